"""Where help begins, and what opens the level above."""

from __future__ import annotations

import pytest

from web.tutor.evidence.report import Verdict
from web.tutor.ladder import Opener, Rungs, climb, entry, reflects


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        (Verdict.FAILED, 1), (Verdict.TIME, 1), (Verdict.OUTPUT, 1), (Verdict.NOT_RUN, 1),
        (Verdict.ERROR, 2), (Verdict.TOO_DEEP, 2), (Verdict.MEMORY, 2), (Verdict.SYNTAX, 3),
    ],
)  # fmt: skip
def test_help_begins_where_it_can_help(verdict: Verdict, level: int) -> None:
    assert entry(verdict) == level


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERROR, Verdict.NOT_RUN])
def test_who_has_only_the_starter_code_gets_a_plan(verdict: Verdict) -> None:
    assert entry(verdict, begun=False) == 3


@pytest.mark.parametrize(
    "question",
    [
        "How do I write a loop?", "how can I make a dictionary", "Tell me how to use range.",
        "HOW DO YOU DEFINE A FUNCTION", "딕셔너리는 어떻게 만드나요?", "반복문을 어떻게 써요?",
        "함수 정의를 어떻게 작성하죠", "리스트를 어떻게 선언해요?",
    ],
)  # fmt: skip
def test_who_asks_how_something_is_written_gets_the_pattern(question: str) -> None:
    assert entry(Verdict.FAILED, question) == 3


@pytest.mark.parametrize(
    "question",
    ["Why is it 2?", "How many days are left?", "왜 2가 나와요?", "어떻게 된 일이에요?", "", "how"],
)
def test_another_question_leaves_it_there(question: str) -> None:
    assert entry(Verdict.FAILED, question) == 1


@pytest.mark.parametrize(
    ("begin", "received", "tried", "rungs"),
    [
        (1, 0, False, Rungs(1, 1, Opener.HINT, 1)),
        (2, 0, False, Rungs(2, 2, Opener.HINT, 2)),
        (3, 0, False, Rungs(3, 3, None, 3)),
        (1, 1, False, Rungs(1, 1, Opener.EFFORT, 1)),
        (1, 1, True, Rungs(1, 2, Opener.HINT, 2)),
        (1, 2, False, Rungs(1, 2, Opener.EFFORT, 2)),
        (1, 2, True, Rungs(1, 3, None, 3)),
        # Another program that stops with an exception: help begins higher by itself.
        (2, 1, False, Rungs(2, 2, Opener.HINT, 2)),
        # What was open once for a hint stays, whatever the program is by now.
        (1, 3, False, Rungs(1, 3, None, 3)),
        (1, 3, True, Rungs(1, 3, None, 3)),
    ],
)
def test_the_next_level_is_earned(begin: int, received: int, tried: bool, rungs: Rungs) -> None:
    assert climb(begin, received, tried=tried) == rungs


ALL = (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("levels", "begin", "received", "tried", "rungs"),
    [
        (ALL, 3, 0, False, Rungs(3, 3, Opener.HINT, 3, ALL)),
        (ALL, 1, 3, False, Rungs(1, 3, Opener.EFFORT, 3, ALL)),
        (ALL, 1, 3, True, Rungs(1, 4, Opener.HINT, 4, ALL)),
        (ALL, 1, 4, False, Rungs(1, 4, Opener.EFFORT, 4, ALL)),
        (ALL, 1, 4, True, Rungs(1, 5, None, 5, ALL)),
        # Where nobody writes analogies, the last level follows the third.
        ((1, 2, 3, 5), 1, 3, False, Rungs(1, 3, Opener.EFFORT, 3, (1, 2, 3, 5))),
        ((1, 2, 3, 5), 1, 3, True, Rungs(1, 5, None, 5, (1, 2, 3, 5))),
        ((1, 2, 3, 5), 3, 0, False, Rungs(3, 3, Opener.HINT, 3, (1, 2, 3, 5))),
        # What was had once is offered no longer.
        ((1, 2, 3), 1, 4, False, Rungs(1, 3, None, 3)),
        ((1, 2, 3, 5), 1, 4, False, Rungs(1, 3, Opener.EFFORT, 3, (1, 2, 3, 5))),
        ((1, 2, 3, 5), 1, 4, True, Rungs(1, 5, None, 5, (1, 2, 3, 5))),
    ],
)  # fmt: skip
def test_a_longer_ladder_is_climbed_likewise(
    levels: tuple[int, ...], begin: int, received: int, tried: bool, rungs: Rungs
) -> None:
    assert climb(begin, received, tried=tried, levels=levels) == rungs


@pytest.mark.parametrize(
    ("levels", "highest", "above"),
    [(ALL, 3, 4), (ALL, 5, None), ((1, 2, 3, 5), 3, 5), ((1, 2, 3), 3, None)],
)
def test_the_next_level_is_the_next_one_that_there_is(
    levels: tuple[int, ...], highest: int, above: int | None
) -> None:
    assert Rungs(1, highest, None, 1, levels).above == above


@pytest.mark.parametrize(
    "text",
    ["the loop ends early", "반복이 한 번 모자라요", "I think days is wrong", "Ich weiß es nicht",
     "it gives 2, not 3"],
)  # fmt: skip
def test_three_words_say_something(text: str) -> None:
    assert reflects(text)


@pytest.mark.parametrize(
    "text", ["", " ", "no idea", "모르겠어요", "a a a a", "No no NO no", "1 2 3 4 5", "??? !!! ...",
             "아 아 아", "\n\n\n"],
)  # fmt: skip
def test_less_says_nothing(text: str) -> None:
    assert not reflects(text)


def test_a_long_text_is_read_once() -> None:
    assert not reflects("a" * 100_000)
