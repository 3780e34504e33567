"""How far a student may climb: where help begins, and what opens the level above."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from web.tutor.evidence.report import Verdict
from web.tutor.levels import LEVELS

USUAL = tuple(number for number, level in LEVELS.items() if level.by_facts)
"""The levels that each exercise has, whatever writes its hints."""
LOWEST = min(USUAL)
LOCATE, CONCEPT = 2, 3
ENTRIES = {
    # What Python cannot read, a question about the failing test cannot help with: a pattern does.
    Verdict.SYNTAX: CONCEPT,
    # The test report tells already what stopped it.
    Verdict.ERROR: LOCATE,
    Verdict.TOO_DEEP: LOCATE,
    Verdict.MEMORY: LOCATE,
}
"""Where help begins, by how the run ended; at the lowest level for all others."""
HOW_TO_WRITE = re.compile(
    r"\bhow (?:do|can|should|would) (?:i|you|we) (?:write|make|create|declare|define|use)\b"
    r"|\bhow to (?:write|make|create|declare|define|use)\b"
    r"|(?:어떻게|어떤 식으로) (?:써|쓰|적|작성|만드|만들|선언|정의|사용)",
    re.IGNORECASE,
)
"""A question for the language's form, which nothing that the program did can answer."""
WORD = re.compile(r"[^\W\d_]{1,40}")
FEWEST_WORDS = 3


class Opener(StrEnum):
    """What opens the next level."""

    HINT = "hint"
    """A hint of the highest level that is open."""
    EFFORT = "effort"
    """Another program or result than the last hint was about, or the student's words on it."""


@dataclass(frozen=True, slots=True)
class Rungs:
    """entry: where help begins. highest: of the levels that are open, from the lowest to this.

    opener: of the level above; None where there is none. advised: the level to ask for next.
    levels: those that there are for this exercise, rising; open or not.
    """

    entry: int
    highest: int
    opener: Opener | None
    advised: int
    levels: tuple[int, ...] = USUAL

    @property
    def above(self) -> int | None:
        """The level that opens next; None where all are open."""
        return next((level for level in self.levels if level > self.highest), None)

    def allows(self, level: int) -> bool:
        """Whether it is there, and may be asked for."""
        return level in self.levels and level <= self.highest


def entry(verdict: Verdict, question: str = "", *, begun: bool = True) -> int:
    """The level at which help begins. begun: whether it is more than what the student was given."""
    if not begun or HOW_TO_WRITE.search(question):
        return CONCEPT
    return ENTRIES.get(verdict, LOWEST)


def climb(entry: int, received: int, *, tried: bool, levels: tuple[int, ...] = USUAL) -> Rungs:
    """The levels that are open. levels: as in Rungs.

    received: the highest level of help that the student has had here, 0 for none; what was skipped
    does not count. tried: whether they have done something of their own since the last hint.
    """
    reached = received
    if tried or not received:
        reached = next((level for level in levels if level > received), received)
    highest = max(level for level in levels if level <= max(entry, reached))
    # A level that was had once may no longer be offered.
    opener = Opener.EFFORT if received >= highest else Opener.HINT
    return Rungs(entry, highest, None if highest == levels[-1] else opener, highest, levels)


def free(entry: int = LOWEST, levels: tuple[int, ...] = USUAL) -> Rungs:
    """All levels, for a course without a ladder, and for who teaches it."""
    return Rungs(entry, levels[-1], None, entry, levels)


def reflects(text: str) -> bool:
    """Whether it says something: three words, none of them the same."""
    return len({word.casefold() for word in WORD.findall(text)}) >= FEWEST_WORDS
