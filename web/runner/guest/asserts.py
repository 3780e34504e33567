"""An exercise's tests as cases: every assert tells what it called, expected and got."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from types import CodeType

from .console import Console
from .show import show
from .space import space
from .watch import Player, Run

CASE = "__hintline_case__"
"""A name in the tests' namespace, which is the program's too."""
Values = Callable[[], tuple[object, ...]]
MOST_OUTPUT = 1 << 20
"""Bytes of what the program prints that are kept."""
VALUE_CHARS = 200


class Expected:
    """Judges what a case gave. text: source of what it should give."""

    def __init__(self, text: str, want: Run, sign: str) -> None:
        self.text = text
        self._want, self._sign = want, sign

    def __call__(self, got: object) -> tuple[bool, object]:
        if self._sign == "true":
            return bool(got), True
        if self._sign == "not":
            return not got, False
        want = self._want()
        return got is want if self._sign == "is" else bool(got == want), want


class Asserts:
    """Tests with counting asserts. total: asserts in them; number: of the one that runs.

    source: Python of asserts, bare or as `def check(candidate)` with `check(f)`.
    """

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        rewriter = Counting(shown_names(tree))
        tree = ast.fix_missing_locations(rewriter.visit(tree))
        self.console = Console(most=MOST_OUTPUT)
        self.number, self.total = 0, len(rewriter.cases)
        self._cases = rewriter.cases
        self._code = compile(tree, "tests.py", "exec", dont_inherit=True)

    def play(self, program: CodeType, player: Player) -> None:
        """Runs the program, and then its tests in the namespace that it leaves."""
        self.console = Console(most=MOST_OUTPUT)
        names = space()
        player.load(lambda: exec(program, names))  # noqa: S102

        def case(
            number: int, run: Run, want: Run, values: Callable[[], tuple[object, ...]]
        ) -> None:
            texts, expected, sign = self._cases[number]
            self.number = number
            shown = [show(value, VALUE_CHARS) for value in values()]
            call = "".join(text + value for text, value in zip(texts, [*shown, ""], strict=True))
            player.case(call, run, Expected(expected, want, sign))

        names[CASE] = case
        exec(self._code, names)  # noqa: S102


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

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.cases: list[tuple[list[str], str, str]] = []

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant):
            return ast.copy_location(ast.Pass(), node)
        left, right, sign = sides(node.test)
        texts, values = self.call(left)
        made = ast.Call(
            ast.Name(CASE, ast.Load()),
            [
                ast.Constant(len(self.cases)), thunk(left), thunk(right),
                thunk(ast.Tuple(values, ast.Load())),
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
