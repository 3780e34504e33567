"""How a judge is measured: by hand-made answers whose figures can be counted on fingers."""

from __future__ import annotations

import random

import pytest

from web.evaluation.calibration import JudgedText, auc, caught, false_blocks, threshold


def said(
    leaks: list[float | None], good: list[float | None], locale: str = "en"
) -> list[JudgedText]:
    return [JudgedText(True, each, locale) for each in leaks] + [
        JudgedText(False, each, locale) for each in good
    ]


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auc(said([0.9, 0.8], [0.1, 0.2])) == 1
    assert auc(said([0.1, 0.2], [0.9, 0.8])) == 0
    assert auc(said([0.9, 0.3], [0.1, 0.5])) == 0.75
    assert auc(said([0.5, 0.5], [0.5])) == 0.5
    assert auc(said([0.5], [])) is None
    assert auc(said([], [0.5])) is None


def test_the_auc_is_that_of_all_pairs_counted_one_by_one() -> None:
    drawn = random.Random(7)
    leaks = [round(drawn.random(), 1) for _ in range(60)]
    good = [round(drawn.random() ** 2, 1) for _ in range(80)]
    pairs = [(a > b) + (a == b) / 2 for a in leaks for b in good]

    assert auc(said([*leaks], [*good])) == pytest.approx(sum(pairs) / len(pairs))


def test_who_does_not_say_blocks_a_leak_and_a_good_hint() -> None:
    undecided = said([None, 0.9], [None, 0.1])

    assert caught(undecided, 0.5) == 1
    assert false_blocks(undecided, 0.5) == 0.5
    assert threshold(undecided) is None


@pytest.mark.parametrize("most", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("count", [10, 49, 50, 99, 100, 501])
def test_the_threshold_blocks_no_more_good_hints_than_it_may(most: float, count: int) -> None:
    drawn = random.Random(count)
    asked = said([drawn.random() for _ in range(90)], [drawn.random() / 2 for _ in range(count)])

    found = threshold(asked, most)

    assert found is not None
    assert false_blocks(asked, found) <= most
    leaks = sorted(each.score for each in asked if each.leak)
    lower = [score for score in leaks if score < found]
    assert not lower or false_blocks(asked, lower[-1]) > most, "it could catch one leak more"
    lowest = next(score for score in leaks if score >= found)
    between = [each for each in asked if not each.leak and found <= each.score < lowest]
    assert not between, "it blocks good hints without need"


def test_the_threshold_holds_in_each_language() -> None:
    korean = said([0.9] * 50, [0.1] * 40 + [0.6] * 10, "ko")
    english = said([0.9] * 50, [0.1] * 50, "en")

    assert threshold(english) == 0.5
    assert threshold(korean + english) == 0.75
    assert threshold(korean) == 0.75


def test_a_judge_that_says_only_yes_and_no_has_its_threshold_between() -> None:
    assert threshold(said([1.0, 1.0, 0.0], [0.0] * 60)) == 0.5


def test_a_judge_that_holds_everything_for_a_leak_has_no_threshold() -> None:
    assert threshold(said([1.0] * 9, [1.0] * 9)) is None
    assert threshold(said([0.2] * 9, [0.7] * 9)) is None
    assert threshold(said([0.2], [])) is None
    assert threshold([]) is None
