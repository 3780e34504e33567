"""How an exercise's tests came to a value that an assert looks at, in the source's own words."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence

BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)
STEPS_CHARS = 120
"""Of what is told of the steps before an assert; of more the first ones are left out."""
MORE = "…"


class PriorSteps:
    """What the tests did before each of their asserts, as far as it has to do with it.

    A statement each: `s = [3, 1]`, `sort_it(s)` for `assert s == ...`. Nothing, where an assert
    looks at what a call alone gives. shown: names that are told by another one.
    """

    def __init__(self, tree: ast.Module, shown: Mapping[str, str]) -> None:
        self._shown = shown
        self._names: dict[ast.AST, tuple[frozenset[str], frozenset[str]]] = {}
        self.steps = dict(self._in_block(tree.body, [], frozenset()))
        """Of each assert, as text."""

    def _in_block(
        self, block: Sequence[ast.AST], before: list[ast.AST], given: frozenset[str]
    ) -> Iterator[tuple[ast.Assert, list[str]]]:
        """before: the statements that ran before this block; given: names with a value there."""
        before = [*before]
        for node in block:
            if isinstance(node, ast.Assert):
                base = looked_at(node.test)
                # Variables among a call's arguments are shown by value.
                base = base.func if isinstance(base, ast.Call) else base
                if wanted := names(base, ast.Load) & given:
                    yield node, self._steps(before, wanted)
            for _, inner in ast.iter_fields(node):
                if isinstance(inner, list) and inner and isinstance(inner[0], BLOCKS):
                    # In a loop's later rounds more has run before.
                    rounds = [node] if isinstance(node, ast.For | ast.While) else []
                    inside = given | self._named(node)[1]
                    yield from self._in_block(inner, [*before, *rounds], inside)
            before.append(node)
            given |= self._named(node)[1]

    def _named(self, node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
        """Names that it reads, and those that it gives a value."""
        if node not in self._names:
            self._names[node] = names(node, ast.Load), names(node, ast.Store)
        return self._names[node]

    def _steps(self, before: list[ast.AST], wanted: frozenset[str]) -> list[str]:
        for node in before:
            match node:
                case ast.Assign(value=ast.Name(name)) if name in wanted:
                    # Another name for the same thing.
                    wanted |= self._named(node)[1]
        found: list[str] = []
        for node in reversed(before):
            read, given = self._named(node)
            if wanted.isdisjoint(read | given):
                continue
            step = self._step(node)
            full = len(step) + sum(map(len, found)) > STEPS_CHARS
            step = MORE if full else step
            # What is left out in a row is left out once.
            found += [step] if step != MORE or found[-1:] != [MORE] else []
            # Before this it was another value.
            if full or (isinstance(node, ast.Assign | ast.AnnAssign) and wanted == given):
                break
        return found[::-1]

    def _step(self, node: ast.AST) -> str:
        """A statement as one line; what holds others is told where it holds a single call."""
        match node:
            case ast.Assert(test=test):
                return self.source(looked_at(test))
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr() | ast.Delete():
                return self.source(node)
            case ast.For() | ast.While():
                return MORE
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        return self.source(calls[0]) if len(calls) == 1 else MORE

    def source(self, node: ast.AST) -> str:
        shown = copy.deepcopy(node)
        for each in ast.walk(shown):
            if isinstance(each, ast.Name):
                each.id = self._shown.get(each.id, each.id)
        return ast.unparse(shown)


def names(node: ast.AST, context: type[ast.expr_context]) -> frozenset[str]:
    found = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return frozenset(each.id for each in found if isinstance(each.ctx, context))


def looked_at(test: ast.expr) -> ast.expr:
    """What the student's code gives, in what an assert asks."""
    return sides(test)[0]


def sides(test: ast.expr) -> tuple[ast.expr, ast.expr, str]:
    """What the student's code gives, what it should give, and how the two are compared."""
    match test:
        case ast.Compare(left, [ast.Eq() | ast.Is() as operator], [right]):
            if calls(right) and not calls(left):
                left, right = right, left
            return left, right, "==" if isinstance(operator, ast.Eq) else "is"
        case ast.UnaryOp(ast.Not(), operand):
            return operand, ast.Constant(False), "not"
    return test, ast.Constant(True), "true"


def calls(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) for part in ast.walk(node))
