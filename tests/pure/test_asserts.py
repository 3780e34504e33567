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
        ("s = [3, 1]\nsort_it(s)\nassert s == [1, 3]",
         (["s = [3, 1]; sort_it(s); s"], "[1, 3]", "==")),
        ("s = [3]\nt = [4]\nf(t)\ng(s)\nassert s[0] == 1",
         (["s = [3]; g(s); s[0]"], "1", "==")),
        ("s = [3]\nf(s)\ns = [4]\ng(s)\nassert s == 1", (["s = [4]; g(s); s"], "1", "==")),
        ("a = Account(5)\na.add(2)\nassert a.balance == 7",
         (["a = Account(5); a.add(2); a.balance"], "7", "==")),
        ("c = counter()\nassert c() == 1", (["c = counter(); c()"], "1", "==")),
        ("try:\n    take(1, 5)\n    ok = False\nexcept ValueError:\n    ok = True\nassert ok",
         (["take(1, 5); ok"], "True", "true")),
        ("s = []\n" + "fill(s, 'many things')\n" * 9 + "assert s == 1",
         (["…; " + "fill(s, 'many things'); " * 5 + "s"], "1", "==")),
        ("try:\n    f(-1)\n    assert False, 'no'\nexcept ValueError:\n    pass",
         (["f(-1)"], "ValueError", "raises")),
        ("try:\n    x = f(-1)\nexcept (ValueError, KeyError):\n    pass\nelse:\n    assert 0",
         (["f(-1)"], "(ValueError, KeyError)", "raises")),
        ("try:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass\n"
         "except KeyError:\n    pass", (["f(-1)"], "(ValueError, KeyError)", "raises")),
        ("s = [1]\nt = s\nf(t)\nassert s == [2]", (["s = [1]; t = s; f(t); s"], "[2]", "==")),
        ("s = Stack()\nfor i in range(5):\n    s.push(i)\nassert s.size() == 5",
         (["s = Stack(); …; s.size()"], "5", "==")),
        ("s = Stack()\nfor want in (3, 2):\n    assert s.pop() == want",
         (["s = Stack(); …; s.pop()"], "want", "==")),
        ("def check(g):\n    x = g(1)\n    assert x.y == 2\ncheck(f)",
         (["x = f(1); x.y"], "2", "==")),
    ],
)  # fmt: skip
def test_an_assert_is_a_case_with_its_text(source: str, text: object) -> None:
    prepared = assert_texts(source)

    assert prepared.cases == [text]
    assert prepared.source.count(CASE) == 1
    assert "assert" not in prepared.source


def test_the_cost_of_what_came_before_does_not_grow_with_its_square() -> None:
    # Each assert looks at what all statements before it may have changed.
    source = "s = []\n" + "fill(s)\nassert s == 1\n" * 1_500

    assert len(assert_texts(source).cases) == 1_500


def test_what_an_earlier_assert_has_done_belongs_to_a_later_one() -> None:
    source = "s = [3, 1]\nassert top(s) == 3\nassert s == [3, 1]"

    texts = [text for text, _, _ in assert_texts(source).cases]

    assert texts == [["top(", ")"], ["s = [3, 1]; top(s); s"]]


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
