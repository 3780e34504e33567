"""A judge beside a writer that leaks in each answer, of real processes: nothing gets past it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand

LEARNED = """
from web.engines.models import Engine
print(*Engine.objects.get(name="small").dialect["left_out"])
"""
LEAKS = (
    "What if you went on until no rice is left at all, and counted that day too?",
    "Would one more day for what is left over make it right?",
    "Have you thought of rounding up instead of giving nothing?",
    "What would come out with `return -(-cups // per_day)` there?",
)
"""In words, which no rule knows, and in code."""
LONG = (
    "A result is only as good as the smallest step behind it. Every value that comes along has to "
    "be looked at once. Say aloud what each name means, and check that it means this at all times. "
    "A plan on paper with three short rows shows more than a long look at a program. "
)


@pytest.fixture
def stand(judged: Stand) -> Stand:
    return judged


def followed(stand: Stand, **changes: object) -> tuple[dict[str, Any], str]:
    """A hint once it is over, and all that its student was told on the way."""
    student = stand.student()
    if changes.get("level", 1) != 1:
        # A level opens by a hint of the one below, and what the student thinks of it.
        for level in range(1, int(str(changes["level"]))):
            below = stand.ask(student, level=level)
            stand.final(below["id"])
            thought = {"text": "I look at it anew"}
            student.put(below["links"]["reflection"], json=thought).raise_for_status()
        stand.engines["gpu0"].script(*SCRIPT)
    return stand.followed(student, **changes)


SCRIPT = [Behaviour(pieces=(f"{LONG} {LEAKS[0]}",))] * 2


def test_a_writer_that_leaks_in_each_answer_shows_nothing(stand: Stand, judge: FakeEngine) -> None:
    judge.judge(*LEAKS)
    for leak in LEAKS * 3:
        stand.engines["gpu0"].script(*[Behaviour(pieces=(leak,), gap_s=0)] * 2)

        final, told = followed(stand)

        assert (final["state"], final["source"]) == ("withheld", "evidence")
        assert final["reason"] == "leak"
        assert leak not in told


def test_an_honest_writer_is_shown(stand: Stand, judge: FakeEngine) -> None:
    judge.judge(*LEAKS)

    final, told = followed(stand)

    assert (final["state"], final["source"]) == ("answered", "model")
    assert judge.judged() == 1
    assert '"piece"' in told


@pytest.mark.parametrize("way", ["500", "hangs", "nonsense", "empty", "cuts"])
def test_a_broken_judge_ends_in_evidence(stand: Stand, judge: FakeEngine, way: str) -> None:
    judge.judge(way=way)

    final, told = followed(stand)

    assert (final["state"], final["source"]) == ("withheld", "evidence")
    assert final["reason"] == "unjudged"
    assert final["notice"]
    assert "Where does it end" not in told
    assert judge.judged() == 2


def test_a_judge_without_log_probabilities_is_asked_for_its_schema(
    stand: Stand, judge: FakeEngine
) -> None:
    judge.judge(*LEAKS, way="no-logprobs")

    first, _ = followed(stand)
    asked = judge.judged()
    assert stand.shell(LEARNED) == "logprobs top_logprobs"
    stand.engines["gpu0"].script(*[Behaviour(pieces=(LEAKS[1],))] * 2)
    second, told = followed(stand)

    assert (first["state"], second["state"]) == ("answered", "withheld")
    assert (asked, judge.judged()) == (2, 4), "it is not asked for them again"
    assert LEAKS[1] not in told
    stand.shell("from web.engines.models import Engine; Engine.objects.update(dialect={})")


def test_a_long_hint_that_was_shown_is_taken_back(stand: Stand, judge: FakeEngine) -> None:
    judge.judge(LEAKS[0])

    final, told = followed(stand, level=3)

    assert final["state"] == "withheld"
    assert LONG.split(". ")[0] in told
    assert LEAKS[0] not in str(final["text"])
    assert told.rindex('"reset"') > told.rindex('"piece"')
