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
    "source",
    ["", "assert True", "def f(:", "x = 1", "\0", "assert " + "(" * 500 + "1" + ")" * 500,
     "assert " + "-" * 5000 + "f(1)"],
    ids=["empty", "constant", "no Python", "no assert", "NUL", "brackets", "deep"],
)  # fmt: skip
def test_what_checks_nothing_has_no_cases(source: str) -> None:
    assert assert_texts(source).cases == []
