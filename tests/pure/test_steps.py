"""The table of what a program did: for loops, recursion, plain lines, exceptions and input."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pure.playing import inputs, shown
from web.runner.guest.watch import Play
from web.tutor.evidence.steps import MOST_ROWS, Steps

SUM = "def f(xs):\n    t = 0\n    for x in xs:\n        t = x\n    return t"


def table(code: str, tests: str | Play, **how: Any) -> Steps:
    made = shown(code, tests, **how)[1]
    read = Steps.from_json(made)
    assert read is not None
    assert read.as_json() == made
    return read


def test_a_loop_has_a_row_a_round() -> None:
    steps = table(SUM, "assert f([3, 5]) == 8")

    assert steps.kind == "loop"
    assert steps.names == ("t", "x", "xs")
    assert [row.label for row in steps.rows] == ["1", "2"]
    assert [row.values["t"] for row in steps.rows] == ["3", "5"]
    assert steps.rows[1].changed == ("t", "x")
    assert (steps.line, steps.omitted) == (5, 0)


@pytest.mark.parametrize("rounds", [12, 13, 40, 9_000])
def test_a_long_loop_is_folded_in_the_middle(rounds: int) -> None:
    steps = table(SUM, f"assert f(list(range({rounds}))) == -1", most_events=50_000)

    assert len(steps.rows) + steps.omitted == rounds
    assert len(steps.rows) == MOST_ROWS
    assert [row.label for row in steps.rows[:8]] == [str(number) for number in range(1, 9)]
    assert steps.rows[-1].label == str(rounds)
    assert steps.rows[-1].values["t"] == str(rounds - 1)


def test_a_loop_that_never_ends_shows_its_first_and_its_last_rounds() -> None:
    code = "def f(n):\n    k = 0\n    while n > 0:\n        k += 1\n    return k"

    steps = table(code, "assert f(3) == 3", ends=False, budget_s=0.1)

    assert steps.kind == "loop"
    assert steps.rows[0].values == {"n": "3", "k": "1"}
    assert int(steps.rows[-1].label) > 1_000
    assert steps.rows[-1].changed == ("k",)
    assert steps.omitted == int(steps.rows[-1].label) - MOST_ROWS


def test_a_while_loop_of_a_program_that_reads_input() -> None:
    code = "n = int(input())\nt = 0\nwhile n > 1:\n    t += n\n    n -= 1\nprint(t)\n"

    steps = table(code, inputs(("3", "6")))

    assert steps.kind == "loop"
    assert [row.values for row in steps.rows] == [{"n": "2", "t": "3"}, {"n": "1", "t": "5"}]


def test_recursion_has_a_row_a_call() -> None:
    code = "def f(n):\n    if n < 2:\n        return 0\n    return n + f(n - 1)"

    steps = table(code, "assert f(3) == 6")

    assert steps.kind == "calls"
    assert [row.label for row in steps.rows] == ["f(3)", "f(2)", "f(1)"]
    assert [row.values["return"] for row in steps.rows] == ["5", "2", "0"]


def test_recursion_without_end_shows_where_it_was() -> None:
    steps = table("def f(n):\n    return f(n + 1)", "assert f(0) == 1")

    assert steps.kind == "calls"
    assert len(steps.rows) == MOST_ROWS
    assert steps.omitted > 100
    assert "return" not in steps.rows[0].values


def test_a_program_without_a_loop_has_a_row_a_line() -> None:
    steps = table("def f(a, b):\n    c = a - b\n    d = c * 2\n    return d", "assert f(3, 1) == 8")

    assert steps.kind == "lines"
    assert [row.line for row in steps.rows] == [2, 3, 4]
    assert [row.changed for row in steps.rows] == [("c",), ("d",), ()]
    assert steps.rows[1].values == {"a": "3", "b": "1", "c": "2", "d": "4"}


def test_where_an_exception_stopped_it_is_marked_with_the_values_there() -> None:
    code = "def f(xs):\n    t = 0\n    for i in range(3):\n        t += xs[i]\n    return t"

    steps = table(code, "assert f([4, 5]) == 9")

    assert steps.line == 4
    assert steps.at == {"xs": "[4, 5]", "t": "9", "i": "2"}


def test_of_a_hidden_case_there_is_none() -> None:
    made = shown("print(int(input()) + 2)", inputs(("3", "6"), hidden=True))[1]

    assert made is None


def test_many_names_leave_those_that_change() -> None:
    fixed = "".join(f"    a{number} = {number}\n" for number in range(12))
    code = f"def f(n):\n{fixed}    for i in range(n):\n        a3 += i\n    return a3"

    steps = table(code, "assert f(4) == 1")

    assert len(steps.names) == 8
    assert {"a3", "i"} <= set(steps.names)


@pytest.mark.parametrize(
    "data", [None, 3, [], {}, {"kind": "loop"}, {"kind": ["loop"]}, {"kind": "x"}]
)
def test_what_is_no_table_is_none(data: object) -> None:
    assert Steps.from_json(data) is None


def test_each_field_of_a_table_is_cut() -> None:
    steps = Steps.from_json({
        "kind": "loop", "names": ["n" * 90, 3, *(f"x{number}" for number in range(20))],
        "rows": [
            None, {"line": 0}, {"line": 1, "label": 3}, {"line": 1, "changed": 3},
            *({"line": 1, "label": "r" * 99, "values": {"x1": "v" * 99, "z": "1", 3: "4"}},) * 30,
        ],
        "omitted": -4, "line": 10**30, "at": {"x1": "a\0" * 50, "y": 3},
    })  # fmt: skip

    assert steps is not None
    assert len(steps.names) == 7
    assert len(steps.names[0]) == 40
    assert len(steps.rows) == 8
    assert set(steps.rows[0].values) == {"x1"}
    assert len(steps.rows[0].values["x1"]) == 40
    assert (steps.omitted, steps.line) == (0, None)
    assert "\0" not in steps.at["x1"]


def test_the_last_row_of_a_loop_that_never_ends_is_a_whole_round() -> None:
    code = "def f(n):\n    k = 0\n    while n > 0:\n        k += 1\n        m = k\n    return k"

    for budget_s in (0.05, 0.051, 0.052, 0.053):
        steps = table(code, "assert f(3) == 3", ends=False, budget_s=budget_s)

        assert steps.rows[-1].values["k"] == steps.rows[-1].label
        assert steps.omitted == int(steps.rows[-1].label) - MOST_ROWS


def test_the_values_where_it_failed_are_those_of_the_call_that_gave_the_answer() -> None:
    code = "def f(n):\n    if n < 2:\n        return 1\n    return n + f(n - 1)"

    steps = table(code, "assert f(4) == 24")

    assert (steps.line, steps.at) == (4, {"n": "4"})


def test_the_values_where_recursion_stopped_are_those_of_the_innermost_call() -> None:
    code = "def f(n):\n    m = 6 // n\n    return m + f(n - 1)"

    steps = table(code, "assert f(2) == 9")

    assert (steps.line, steps.at) == (2, {"n": "0"})


def test_of_a_run_too_long_to_follow_the_last_rounds_are_not_guessed() -> None:
    steps = table(SUM, "assert f(list(range(300000))) == -1", budget_s=0.001)

    assert [row.label for row in steps.rows] == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert steps.omitted > 0
