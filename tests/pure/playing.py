"""Plays small programs for what finds facts, as the guest's harness does inside the sandbox."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

from web.runner.guest.console import Console
from web.runner.guest.facts import found
from web.runner.guest.watch import Play, Player


class Asserting(ast.NodeTransformer):
    """`assert f(1) == 2` becomes a case of `f(1)` that should give `2`."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        left, right = node.test, ast.Constant(True)
        if isinstance(node.test, ast.Compare):
            left, right = node.test.left, node.test.comparators[0]
        parts = [ast.Expression(each) for each in (left, right)]
        texts = [ast.Constant(ast.unparse(each)) for each in parts]
        return ast.Expr(ast.Call(ast.Name("case_", ast.Load()), [*texts, *map(_later, parts)], []))


def _later(part: ast.Expression) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, part.body)


def asserts(tests: str) -> Play:
    suite = compile(ast.fix_missing_locations(Asserting().visit(ast.parse(tests))), "tests", "exec")

    def play(program: CodeType, player: Player) -> None:
        space: dict[str, Any] = {"__name__": "program"}
        player.load(lambda: exec(program, space))  # noqa: S102

        def case(call: str, _: str, run: Any, want: Any) -> None:
            player.case(lambda: call, run, lambda got: (got == want(), want()))

        space["case_"] = case
        exec(suite, space)  # noqa: S102

    return play


def inputs(*cases: tuple[str, str], hidden: bool = False) -> Play:
    """cases: standard input, and the output that is expected; words are compared."""

    def play(program: CodeType, player: Player) -> None:
        for stdin, want in cases:
            player.case(str, running(program, stdin), judged(want), hidden=hidden)

    return play


def running(program: CodeType, stdin: str) -> Any:
    def run() -> str:
        with own_streams():
            console = Console(stdin, most=1 << 20)
            exec(program, {"__name__": "__main__"})  # noqa: S102
            return console.text()

    return run


@contextlib.contextmanager
def own_streams() -> Iterator[None]:
    """What a guest's console replaces is as before afterwards."""
    kept = [
        (owner, name, getattr(owner, name))
        for owner, names in (
            (sys, ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")),
            (builtins, ("open",)), (io, ("open",)), (os, ("read", "write", "fstat")),
        )
        for name in names
    ]  # fmt: skip
    try:
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


def judged(want: str) -> Any:
    return lambda got: (str(got).split() == want.split(), want)


def told(code: str, tests: str | Play, **how: Any) -> list[dict[str, Any]]:
    return shown(code, tests, **how)[0]


def shown(code: str, tests: str | Play, **how: Any) -> tuple[list[dict[str, Any]], Any]:
    """Facts and steps, by counts alone: a busy machine may stop a process for seconds.

    What the program prints is dropped.
    """
    play = asserts(tests) if isinstance(tests, str) else tests
    how = {"budget_s": 60.0, "ends": True} | how
    with contextlib.redirect_stdout(io.StringIO()):
        return found(code, play, **how)
