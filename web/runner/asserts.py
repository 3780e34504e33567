"""An exercise's tests as the sandbox runs them: every assert is a case, with its text at hand.

It is done here, once for each exercise: inside, each run would pay for it, more than its program.
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache
from typing import NamedTuple

from web.tutor.parsing import is_literal, read

CASE = "__hintline_case__"
"""A name in the tests' namespace, which is the program's too; web.runner.guest.asserts puts it."""
AssertText = tuple[list[str], str, str]
"""The call's text, in pieces between values; expected; and how the two are compared."""


STEPS_CHARS = 120
"""Of what is told of the steps before an assert; of more the first ones are left out."""
MORE = "…"


class AssertTexts(NamedTuple):
    """source: Python that calls CASE in the place of each assert."""

    source: str
    cases: list[AssertText]


@lru_cache(maxsize=256)
def assert_texts(source: str) -> AssertTexts:
    """Of Python asserts, bare or as `def check(candidate)` with `check(f)`.

    No cases, where nothing is checked, and where it is not Python.
    """
    try:
        tree = read(source)
        rewriter = Counting(shown_names(tree), steps_before(tree))
        text = ast.unparse(ast.fix_missing_locations(rewriter.visit(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return AssertTexts("", [])
    return AssertTexts(text, rewriter.cases)


def shown_names(tree: ast.Module) -> dict[str, str]:
    """For `def check(candidate)` … `check(f)`: candidate is shown as f."""
    parameters = {
        node.name: node.args.args[0].arg
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1
    }
    names = {}
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Name(helper), [ast.Name(function)])) if helper in parameters:
                names[parameters[helper]] = function
    return names


def steps_before(tree: ast.Module) -> dict[ast.Assert, list[str]]:
    """How the tests came to what an assert looks at, where they have made it themselves before.

    In the source's own words, a statement each: `s = [3, 1]`, `sort_it(s)` for `assert s == ...`.
    """
    blocks = [
        block for node in ast.walk(tree) for _, block in ast.iter_fields(node)
        if isinstance(block, list) and any(isinstance(each, ast.Assert) for each in block)
    ]  # fmt: skip
    return {
        node: steps(block[:at], node)
        for block in blocks
        for at, node in enumerate(block)
        if isinstance(node, ast.Assert)
    }


def steps(before: list[ast.stmt], node: ast.Assert) -> list[str]:
    looked_at = sides(node.test)[0]
    # Variables among a call's arguments are shown by value.
    base = looked_at.func if isinstance(looked_at, ast.Call) else looked_at
    wanted = names(base, ast.Load) & {name for each in before for name in names(each, ast.Store)}
    found: list[str] = []
    for each in before:
        if wanted.isdisjoint(names(each, ast.Load) | names(each, ast.Store)):
            continue
        if isinstance(each, ast.Assign) and wanted == names(each, ast.Store):
            # It is another value from here on.
            found.clear()
        found += step(each)
    while sum(map(len, found)) > STEPS_CHARS:
        del found[: 1 + (found[0] == MORE)]
        found.insert(0, MORE)
    return found


def step(statement: ast.stmt) -> list[str]:
    """A statement as one line; of one that holds others the first call, where there is one."""
    match statement:
        case ast.Assert(test=test):
            return [ast.unparse(sides(test)[0])]
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr() | ast.Delete():
            return [ast.unparse(statement)]
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return [ast.unparse(call) for call in calls][:1]


def names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    found = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in found if isinstance(each.ctx, context)}


class Counting(ast.NodeTransformer):
    """cases: of each assert its call's text, in pieces between values; expected; and sign."""

    def __init__(self, shown: dict[str, str], before: dict[ast.Assert, list[str]]) -> None:
        self.names, self.before = shown, before
        self.cases: list[AssertText] = []

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant):
            return ast.copy_location(ast.Pass(), node)
        left, right, sign = sides(node.test)
        texts, values = self.call(left)
        texts[0] = "; ".join([*self.before.get(node, ()), texts[0]])
        made = ast.Call(
            ast.Name(CASE, ast.Load()),
            [
                ast.Constant(len(self.cases)), thunk(left),
                right if is_literal(right) else thunk(right),
                thunk(ast.Tuple(values, ast.Load())) if values else ast.Constant(None),
            ],
            [],
        )  # fmt: skip
        self.cases.append((texts, ast.unparse(right), sign))
        return ast.copy_location(ast.Expr(made), node)

    def call(self, left: ast.expr) -> tuple[list[str], list[ast.expr]]:
        """The call's source; variables among its arguments are shown by value."""
        shown = copy.deepcopy(left)
        for node in ast.walk(shown):
            if isinstance(node, ast.Name):
                node.id = self.names.get(node.id, node.id)
        if not isinstance(left, ast.Call) or not isinstance(shown, ast.Call):
            return [ast.unparse(shown)], []
        hole, values = "_hintline_value_", []
        for place, argument in enumerate(left.args):
            if isinstance(argument, ast.Name):
                values.append(copy.deepcopy(argument))
                shown.args[place] = ast.Name(hole, ast.Load())
        return ast.unparse(shown).split(hole), list(values)


def thunk(body: ast.expr) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, body)


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
