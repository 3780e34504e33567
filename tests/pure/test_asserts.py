"""Tests of an exercise, as the sandbox is given them."""

from __future__ import annotations

import pytest

from web.runner.asserts import CASE, assert_texts


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("assert f(1) == 2", (["f(1)"], "2", "==")),
        ("assert f(1) is None", (["f(1)"], "None", "is")),
        ("assert not f(1)", (["f(1)"], "False", "not")),
        ("assert f(1)", (["f(1)"], "True", "true")),
        ("assert 2 == f( 1 )", (["f(1)"], "2", "==")),
        ("x = 1\nassert f(x, 2) == 2", (["f(", ", 2)"], "2", "==")),
        ("def check(g):\n    assert g(1) == 2\ncheck(f)", (["f(1)"], "2", "==")),
    ],
)
def test_an_assert_is_a_case_with_its_text(source: str, text: object) -> None:
    prepared = assert_texts(source)

    assert prepared.cases == [text]
    assert prepared.source.count(CASE) == 1
    assert "assert" not in prepared.source


@pytest.mark.parametrize(
    ("source", "functions"),
    [
        ("assert f(1) == 2", 1),
        ("assert f([1, {2: 'a'}]) == [(1, -2.5), {'b': None}]", 1),
        ("assert f(1) is None", 1),
        ("assert not f(1)", 1),
        ("assert f(1) == g(2)", 2),
        ("y = 3\nassert f(1) == y", 2),
        ("assert f(1) == 2 ** 70", 2),
        ("assert f(1) == [x for x in 'ab']", 2),
        ("assert f(1) == {f(2)}", 2),
        ("x = 1\nassert f(x) == 2", 2),
        ("assert f(1) == {1: {2}, 3: ()}", 1),
        ("assert f(1) == {[1]}", 2),
        ("assert f(1) == f'{1}'", 2),
    ],
)
def test_only_what_is_worked_out_is_a_function(source: str, functions: int) -> None:
    assert assert_texts(source).source.count("lambda") == functions


@pytest.mark.parametrize(
    "source",
    ["", "assert True", "def f(:", "x = 1", "\0", "assert " + "(" * 500 + "1" + ")" * 500,
     "assert " + "-" * 5000 + "f(1)"],
    ids=["empty", "constant", "no Python", "no assert", "NUL", "brackets", "deep"],
)  # fmt: skip
def test_what_checks_nothing_has_no_cases(source: str) -> None:
    assert assert_texts(source).cases == []
