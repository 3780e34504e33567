"""An exercise's tests as the sandbox runs them: every assert is a case, with its text at hand.

It is done here, once for each exercise: inside, each run would pay for it, more than its program.
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache
from typing import NamedTuple

from web.runner.prior import PriorSteps, sides
from web.tutor.parsing import is_literal, read

CASE = "__hintline_case__"
"""A name in the tests' namespace, which is the program's too; web.runner.guest.asserts puts it."""
AssertText = tuple[list[str], str, str]
"""The call's text, in pieces between values; expected; and how the two are compared."""


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
        names = shown_names(tree)
        rewriter = Counting(names, PriorSteps(tree, names))
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


class Counting(ast.NodeTransformer):
    """cases: of each assert its call's text, in pieces between values; expected; and sign."""

    def __init__(self, names: dict[str, str], before: PriorSteps) -> None:
        self.names, self.before = names, before
        self.cases: list[AssertText] = []

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.AST]:
        """`f(-1)`, `assert False`, `except ValueError: pass`: a case of what should be raised."""
        found = should_raise(node)
        if found is None:
            return self.generic_visit(node)
        before, call, kinds = found
        made = self.made(call, kinds, "raises", [])
        return [*map(self.visit, before), ast.copy_location(made, node)]

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant):
            # What cannot hold is not to be reached, and stops the tests that reach it.
            return ast.copy_location(ast.Pass(), node) if node.test.value else node
        left, right, sign = sides(node.test)
        steps = self.before.steps.get(node, [])
        return ast.copy_location(self.made(left, right, sign, steps), node)

    def made(self, left: ast.expr, right: ast.expr, sign: str, steps: list[str]) -> ast.Expr:
        """The case in the place of an assert. steps: what the tests did before."""
        texts, values = self.call(left)
        texts[0] = "; ".join([*steps, texts[0]])
        case = ast.Call(
            ast.Name(CASE, ast.Load()),
            [
                ast.Constant(len(self.cases)), thunk(left),
                right if is_literal(right) else thunk(right),
                thunk(ast.Tuple(values, ast.Load())) if values else ast.Constant(None),
            ],
            [],
        )  # fmt: skip
        self.cases.append((texts, ast.unparse(right), sign))
        return ast.Expr(case)

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


def should_raise(node: ast.Try) -> tuple[list[ast.stmt], ast.Call, ast.expr] | None:
    """What runs before, the call that should raise, and the exceptions; None for another try.

    Whoever comes past the call gets to an assert that cannot hold, in the body or in the else.
    """
    kinds = [each.type for each in node.handlers if each.type]
    silent = all([*map(type, each.body)] == [ast.Pass] for each in node.handlers)
    if not kinds or len(kinds) < len(node.handlers) or not silent or node.finalbody:
        return None
    match [*node.body, *node.orelse]:
        case [
            *before,
            ast.Expr(ast.Call() as call) | ast.Assign(value=ast.Call() as call),
            ast.Assert(ast.Constant(value)),
        ] if not value:
            raised = kinds[0] if len(kinds) == 1 else ast.Tuple(kinds, ast.Load())
            return before, call, raised
    return None


def thunk(body: ast.expr) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, body)
