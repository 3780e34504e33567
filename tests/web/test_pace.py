"""Open pages ask as often as a few may, and together never much more often."""

from __future__ import annotations

import pytest

from web.fleet.pace import LONGEST_S, MOST_A_S, PERIOD_S, Pace

SECONDS = 120.0


def asked(pages: int) -> list[float]:
    """The times at which so many pages ask that each waits as long as it was told."""
    pace, due = Pace(), [n * PERIOD_S / pages for n in range(pages)]
    times = []
    while min(due) < SECONDS:
        now_s = min(due)
        times.append(now_s)
        due[due.index(now_s)] = now_s + pace.after(now_s)
    return times


def rate(times: list[float]) -> float:
    """Of the last half of the time, when all have heard of each other."""
    return sum(each >= SECONDS / 2 for each in times) / (SECONDS / 2)


@pytest.mark.parametrize("pages", [1, 5, 12])
def test_a_few_ask_every_two_seconds(pages: int) -> None:
    assert rate(asked(pages)) == pytest.approx(pages / PERIOD_S, rel=0.05)


@pytest.mark.parametrize("pages", [13, 20, 40, 60])
def test_many_share_what_the_site_answers_in_a_second(pages: int) -> None:
    # Those that were told of a shorter pause are counted twice, so it is rather less.
    assert 0.75 * MOST_A_S < rate(asked(pages)) <= 1.05 * MOST_A_S


def test_nobody_waits_longer_than_the_longest() -> None:
    assert rate(asked(300)) == pytest.approx(300 / LONGEST_S, rel=0.1)


def test_who_stays_asks_as_before_once_the_others_have_gone() -> None:
    pace = Pace()
    for n in range(100):
        pace.after(n / 50)

    assert pace.after(3.0) > PERIOD_S
    assert pace.after(30.0) == PERIOD_S
