"""A hint's words against the facts of the run are found; what is right, or unknown, is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from web.runner.cases import Asserts, RunLimits
from web.runner.checker import checker
from web.tutor.evidence.compose import HIGHEST, compose
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.evidence.steps import Step, Steps, StepsKind
from web.tutor.gate.contradictions import LINE, RESULT, VALUE, contradictions

CODE = (
    "def total(prices):\n    result = 1\n    for price in prices:\n        result += price\n"
    "    return result\n"
)
REPORT = Report(
    verdict=Verdict.FAILED, passed=1, total=2,
    first=Case(call="total([2, 3])", expected="5", got="6"),
    steps=Steps(
        kind=StepsKind.LOOP, names=("price", "result"),
        rows=(
            Step(line=3, label="1", values={"price": "2", "result": "3"}),
            Step(line=3, label="2", values={"price": "3", "result": "6"}),
        ),
        at={"result": "6"},
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What happens on line 9?", [LINE]),
        ("Look at lines 3 to 12, please. What do you see?", [LINE]),
        ("7번째 줄에서 무엇이 일어나나요?", [LINE]),
        ("After the first round `result = 4`. Why?", [VALUE]),
        ("첫 바퀴 뒤에 `price = 9`예요. 왜 그럴까요?", [VALUE]),
        ("In round 2 `result` is `4`. Why?", [VALUE]),
        ("`price`는 `9`이고 다음 줄이 그것을 더해요.", [VALUE]),
        ("`result` 값은 `4`예요. 그다음 바퀴에는요?", [VALUE]),
        ("`total([2, 3])` gives `7`, why?", [RESULT]),
        ("Your `total([2, 3])` returns `8`. Is it right?", [RESULT]),
        ("For `total([2, 3])` the last `price` is `9`.", [VALUE]),
        ("`total([2,3])` gives back `[6]`, what do you think?", [RESULT]),
        ("`total([2, 3])`의 결과는 `9`인데 왜 그럴까요?", [RESULT]),
        ("On line 40 `result = 77`, so `total([2, 3])` gives `1`.", [LINE, VALUE, RESULT]),
    ],
)
def test_a_wrong_line_value_or_result_is_found(text: str, found: list[str]) -> None:
    assert contradictions(text, CODE, REPORT) == found


@pytest.mark.parametrize(
    "text",
    [
        "What happens on line 4?",
        "3~4번째 줄을 보세요. 무엇이 달라지나요?",
        "After the first round `result = 3`. Why?",
        "Before the loop `result = 1`. Is that a good start?",
        "In round 2 `result` is `6`. Why?",
        "If `result` is `7`, which round is it?",
        "Suppose `result` is `7`: which round is it?",
        "Line 4 asks `result == 7`. When would that hold?",
        "`result` should be `5`. Where does it part?",
        "`price` 값은 `3`이에요. 그때 `result`는 무엇인가요?",
        "`result` 값은 `5`이어야 하는데 왜 다를까요?",
        "`price` is `the price of one thing`, is it not?",
        "`total([2, 3])`을 부르면 4번째 줄에는 `price = 2`가 있어요. 그다음에는요?",
        "`total([2, 3])`을 부르면 `prices`에는 2개가 있어요. 몇 바퀴를 도나요?",
        "`total([2, 3])` gives `6`, but the test expects `5`. Where do they part?",
        "`total([2, 3])` should give `5`. What does it give?",
        "`total([2, 3])` gives `6`, but should give `5`.",
        "`total([2, 3])` returns `6`, expected `5`.",
        "`total([2, 3])` returns after `2` rounds.",
        "`total([2, 3])` is called with `[2, 3]`.",
        "In `total([2, 3])` the first number is `2`.",
        "`total([2, 3])`의 결과는 `6`이지만 `5`여야 해요.",
        "`total([2, 3])`의 결과는 `6`인데, 기대값은 `5`예요.",
        "`total([2, 3])`을 부르면 `2`와 `3`이 차례로 더해져요.",
        "`total([2, 3])`은 `[2, 3]`을 받아요.",
        "`total([2, 3])` gives `6.0`, as a number with a point.",
        "If `price = 0`, what happens to the sum?",
        "Suppose `result = 7`. Which round is it?",
        "만약 `price = 0`이라면 `result`는 어떻게 될까요?",
        "만약 `result`가 `7`이고 `price`가 `1`이라면 다음 값은 무엇일까요?",
        "The expected `result` is `5`, but yours is `6`.",
        "기대한 `result`는 `5`인데 실제로는 `6`이에요.",
        "Start from `result = 0` and see.",
        "`result = 0`에서 시작하면 합이 맞아요.",
        "With `total([10])`, `price` is `10` in the only round.",
        "Is `result = 0` true before the loop?",
        "In round 2 `result` is `6.0`.",
        "`total([2, 3])`의 결과는 `5`이어야 하는데 `6`이 나와요.",
        "`total([1])` gives `2`. Is that so?",
        "`other = 9` is a name that nobody has traced.",
        "Try `print(result)`. What does it show?",
        "Line 9 of the input has no number. What becomes of it?",
    ],
)
def test_what_is_right_or_cannot_be_known_is_no_contradiction(text: str) -> None:
    assert contradictions(text, CODE, REPORT) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": None},
        {"steps": replace(REPORT.steps, omitted=3)} if REPORT.steps else {},
        {"first": None, "steps": None},
        {"first": Case(call="total([2, 3])", expected="5", got="6", hidden=True), "steps": None},
    ],
)
def test_where_not_all_was_seen_nothing_is_held_against_a_value(changes: dict[str, Any]) -> None:
    assert contradictions("`result = 4` here.", CODE, replace(REPORT, **changes)) == []


@pytest.mark.parametrize(
    "lines",
    [
        "result += price\n        result *= 2", "result = price\n        result = result + 1",
        "result -= 1\n        (result, other) = (result + price, 2)",
    ],
)  # fmt: skip
def test_of_a_name_that_has_several_values_a_round_nothing_is_known_for_certain(lines: str) -> None:
    code = CODE.replace("result += price", lines)

    assert contradictions("`result = 4` here.", code, REPORT) == []
    assert contradictions("`price = 4` here.", code, REPORT) == [VALUE]


def test_a_hint_composed_of_facts_never_contradicts_them() -> None:
    limits = RunLimits()
    for code, tests in (
        (CODE, "assert total([2, 3]) == 5"),
        ("def f(n):\n    while n > 3:\n        n = n - 1\n    return n\n", "assert f(9) == 2"),
        ("def g(s):\n    out = ''\n    for c in s:\n        out = c + out\n    return out\n",
         "assert g('ab') == 'ab'"),
    ):  # fmt: skip
        with checker().running(code, Asserts(tests), limits) as run:
            report = run.explained()
        for level in range(1, HIGHEST + 1):
            for locale in ("ko", "en"):
                text = compose(report, level, locale, "x", code)
                assert text
                assert contradictions(text, code, report) == [], text


def test_a_parameter_that_changes_had_its_first_value_too() -> None:
    code = (
        "def f(n):\n    c = 0\n    while n > 3:\n        n = n - 1\n        c += 1\n    return c\n"
    )
    with checker().running(code, Asserts("assert f(9) == 5"), RunLimits()) as run:
        report = run.explained()

    assert report.steps
    for text in ("At first `n` is `9`.", "처음에 `n`은 `9`예요.", "After round 2 `c` is `2`."):
        assert contradictions(text, code, report) == []
    assert contradictions("After round 2 `c` is `77`.", code, report) == [VALUE]


def test_numbers_are_compared_as_numbers() -> None:
    code = "def f(xs):\n    s = 0\n    for x in xs:\n        s += x\n    return s\n"
    with checker().running(code, Asserts("assert f([2.0, 4.0]) == 3"), RunLimits()) as run:
        report = run.explained()

    for text in ("After round 1 `s` is `2`.", "`f([2.0, 4.0])` gives `6`, and why?"):
        assert contradictions(text, code, report) == []


def test_a_call_after_steps_of_the_test_is_known_by_itself_too() -> None:
    code = "class Box:\n    n = 1\n    def get(self):\n        return self.n\n"
    tests = Asserts("box = Box()\nassert box.get() == 3")
    with checker().running(code, tests, RunLimits()) as run:
        report = run.explained()

    assert report.first
    assert report.first.call == "box = Box(); box.get()"
    for call in ("box.get()", "box = Box(); box.get()"):
        assert contradictions(f"`{call}` gives `2`, and why?", code, report) == [RESULT]
        assert contradictions(f"`{call}` gives `1`, and why?", code, report) == []
