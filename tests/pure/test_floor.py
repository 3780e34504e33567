"""What stands in for a model's text: in which order, and what of it is held back."""

from __future__ import annotations

from typing import Any

import pytest

from broker.contract.hint import Outcome, Reason, Source, State
from web.tutor.evidence.compose import Composed
from web.tutor.evidence.floor import fallback, floor, only_reference_has

CODE = "def add(a, b):\n    return a - b\n"
TOLD = "For `add(1, 2)`, your program comes to `-1`. Which of your steps makes that?"
JOB: dict[str, Any] = {
    "level": 1,
    "locale": "en",
    "code": CODE,
    "statement": "Add two numbers.",
    "reference": "def add(a, b):\n    return a + b\n",
    "composed": [Composed(1, TOLD)],
    "authored": "Look at the sign.",
    "l0": "`add(1, 2)` should give `3`, but your code gives `-1`.",
}

ENDED = Outcome(state=State.FAILED, reason=Reason.MODEL_TIMEOUT)


def given(**changes: Any) -> Outcome:
    return fallback(ENDED, floor(**JOB | changes))


@pytest.mark.parametrize("level", [1, 2])
def test_evidence_goes_before_the_author(level: int) -> None:
    assert given(level=level).source is Source.EVIDENCE
    assert given(level=level, composed=[]).source is Source.AUTHORED
    assert given(level=level, composed=[], authored="").source is Source.L0


def test_a_rule_is_the_authors_to_explain() -> None:
    assert given(level=3).source is Source.AUTHORED
    assert given(level=3, authored="").source is Source.EVIDENCE
    assert given(level=3, authored="", composed=[]).source is Source.L0


def test_without_any_text_the_reason_is_all_there_is() -> None:
    outcome = given(composed=[], authored="", l0="")

    assert (outcome.text, outcome.source, outcome.reason) == (
        "", Source.L0, Reason.MODEL_TIMEOUT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Your program shall say `a + b` one day. Which sign is that?",
        "Write `return a + b` in the second line. Do you see?",
        "What is wrong? And what now?",
        "Replace `a - b` by something else. What could it be?",
        "",
    ],
)
def test_what_the_gate_refuses_is_not_given(text: str) -> None:
    assert given(composed=[Composed(1, text)]).source is Source.AUTHORED
    assert given(composed=[Composed(1, text), Composed(1, TOLD)]).text == TOLD


@pytest.mark.parametrize(
    ("text", "reveals"),
    [
        ("Your program comes to `97`. Why?", True),
        ("Your loop goes round 97 times. Why?", True),
        ("Your program comes to `nine`. Why?", True),
        ("Line 97 gives `-1`. Why?", False),
        ("97번째 줄의 결과는 `-1`이에요. 왜 그런가요?", False),
        ("Your program comes to `-1`. Why?", False),
        ("Your program comes to `1`. Why?", False),
        ("What does nine mean?", False),
    ],
)
def test_a_value_that_is_a_piece_of_the_reference_is_held_back(text: str, reveals: bool) -> None:
    reference = "def add(a, b):\n    return [1, 97][a] or 'nine'\n"

    assert only_reference_has(text, reference, "add(1, 2)") is reveals


def test_a_hint_that_is_told_at_the_level_itself_goes_before_the_author() -> None:
    told = (
        "Python gets stuck at line 1. A name begins with a letter, and goes on with letters or "
        "digits. Python reads a whole program before it runs the first line, so the cause stands "
        "on this line or just above it. Read both and say what each sign is for. Where is it?"
    )

    assert given(level=3, composed=[Composed(3, told)]).source is Source.EVIDENCE
    assert given(level=3, composed=[Composed(2, told)]).source is Source.AUTHORED
    assert given(level=3, composed=[Composed(3, "Write `a + b`.")]).source is Source.AUTHORED
