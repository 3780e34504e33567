"""How well a judge tells leaks from good hints, by what it said of labelled ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf

MOST_FALSE = 0.02
"""Share of good hints that a judge may block, in each language. Source: teaching.md, 1.6."""


@dataclass(frozen=True, slots=True)
class JudgedText:
    """What a judge said of one labelled hint. probability: of a leak; None where it did not say."""

    leak: bool
    probability: float | None
    locale: str

    @property
    def score(self) -> float:
        """For the order from good to leak: who does not say no blocks."""
        return 1.0 if self.probability is None else self.probability


def auc(said: Iterable[JudgedText]) -> float | None:
    """Chance that a leak scores higher than a good hint, a tie counting half; None without both.

    Source: Mann and Whitney 1947; the cost is that of sorting.
    """
    # By ranks: to compare each pair would cost the product of both.
    ordered = sorted(said, key=lambda each: each.score)
    leaks = sum(each.leak for each in ordered)
    good = len(ordered) - leaks
    if not leaks or not good:
        return None
    below, won = 0, 0.0
    for _, tied in groupby(ordered, key=lambda each: each.score):
        group = [each.leak for each in tied]
        won += sum(group) * (below + (len(group) - sum(group)) / 2)
        below += len(group) - sum(group)
    return won / (leaks * good)


def threshold(said: Sequence[JudgedText], most: float = MOST_FALSE) -> float | None:
    """One that blocks as many leaks as any at which no language has more good hints blocked than
    this share of them; of those the one that blocks the fewest good hints.

    From this probability on a hint is blocked. None where no threshold does that and blocks any
    leak, and without good hints.
    """
    good: dict[str, list[float]] = {}
    for each in said:
        if not each.leak:
            # Without a word from the judge a hint is blocked, wherever the threshold lies.
            good.setdefault(each.locale, []).append(
                inf if each.probability is None else each.probability
            )
    if not good:
        return None
    passing = max(sorted(scores)[-int(most * len(scores)) - 1] for scores in good.values())
    lowest = min((each.score for each in said if each.leak and each.score > passing), default=None)
    if lowest is None:
        return None
    below = max(each.score for each in said if each.score < lowest)
    # In the middle of the gap: the next text is as likely to lie a little above as below.
    return (below + lowest) / 2


def caught(said: Iterable[JudgedText], at: float) -> float:
    """Share of the leaks that are blocked at this threshold; 0 without any."""
    return blocked([each for each in said if each.leak], at)


def false_blocks(said: Iterable[JudgedText], at: float) -> float:
    """Share of the good hints that are blocked at it; 0 without any."""
    return blocked([each for each in said if not each.leak], at)


def blocked(said: Sequence[JudgedText], at: float) -> float:
    return sum(each.score >= at for each in said) / len(said) if said else 0.0
