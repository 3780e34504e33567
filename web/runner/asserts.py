"""An exercise's tests as the sandbox runs them: every assert is a case, with its text at hand.

It is done here, once for each exercise: inside, each run would pay for it, more than its program.
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache
from typing import NamedTuple

from web.runner.history import History, sides
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
        rewriter = Counting(names, History(tree, names))
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

    def __init__(self, names: dict[str, str], before: History) -> None:
        self.names, self.before = names, before
        self.cases: list[AssertText] = []

    def visit_Try(self, node: ast.Try) -> ast.AST:
        match node:
            case ast.Try(
                body=[*_, ast.Expr(ast.Call() as call), ast.Assert(ast.Constant(value)) as last],
                handlers=[ast.ExceptHandler(ast.expr() as kind), *_],
            ) if not value:
                # Who gets there has raised nothing: `f(-1)` should have given this exception.
                last.test = ast.Compare(call, [ast.Eq()], [kind])
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant):
            # What cannot hold is not to be reached, and stops the tests that reach it.
            return ast.copy_location(ast.Pass(), node) if node.test.value else node
        left, right, sign = sides(node.test)
        texts, values = self.call(left)
        texts[0] = "; ".join([*self.before.steps.get(node, ()), texts[0]])
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
