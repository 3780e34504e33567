"""One parse within another, as while garbage is collected: in CPython 3.11 the outer one fails."""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from web.courses.checks import check_tests
from web.runner.asserts import assert_texts
from web.tutor.diagnosis.slips import _printed
from web.tutor.gate.contradictions import same
from web.tutor.parsing import TRIES, expression_of, is_literal, read, tree_of, value_of

PROGRAM = "a = [1, 2, 3]\n" * 500
VALUE = f"[{', '.join(['(1, 2)'] * 2_000)}]"
TESTS = "assert f(1) == 2\n" * 500
PARSES: dict[str, Callable[[], object]] = {
    "tree": lambda: tree_of(PROGRAM),
    "expression": lambda: expression_of(VALUE),
    "is literal": lambda: is_literal(VALUE),
    "value": lambda: value_of(VALUE),
    "asserts": lambda: assert_texts.__wrapped__(TESTS).cases,
    "an author's tests": lambda: check_tests(TESTS) is None,
    "same": lambda: same(VALUE, VALUE.replace(" ", "  ")),
    "printed": lambda: _printed(VALUE.replace(" ", ""), VALUE),
}


@contextmanager
def disturbed(times: int) -> Iterator[list[int]]:
    """So many parses have another one within them; gives those that are left."""
    left, within, real = list(range(times)), [False], ast.parse

    def collected(phase: str, _: object) -> None:
        if phase == "stop" and within[0]:
            within[0] = False
            real("[" * 40 + "]" * 40)

    def parse(*args: Any, **more: Any) -> ast.AST:
        within[0] = bool(left)
        del left[-1:]
        try:
            return real(*args, **more)
        finally:
            within[0] = False

    threshold = gc.get_threshold()
    gc.callbacks.append(collected)
    gc.set_threshold(100, 5, 5)
    ast.parse = parse  # type: ignore[assignment]
    try:
        yield left
    finally:
        ast.parse = real
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collected)


@pytest.mark.parametrize("name", PARSES)
@pytest.mark.parametrize("times", range(1, TRIES))
def test_it_is_read_all_the_same(name: str, times: int) -> None:
    with disturbed(times) as left:
        found = PARSES[name]()

    assert found
    assert not left


def test_what_cannot_be_read_is_told_as_ever() -> None:
    for text in ("def f(", "a\0b"):
        with pytest.raises((SyntaxError, ValueError)):
            read(text)
        assert tree_of(text) is None
        assert not is_literal(text)
