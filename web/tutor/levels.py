"""The levels of help, what each may hold, and which one is open to a student."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from web.tutor.evidence.l0 import l0_words

__all__ = ["LEVELS", "Asking", "Level", "l0_words", "open_level"]


class Asking(Enum):
    """What a level wants of questions."""

    ONCE = auto()
    """Exactly one question, at the end."""
    LAST = auto()
    """Questions are free, and the last sentence is one."""
    FREELY = auto()
    """No question is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rung. min_words: below it a hint is refused; aim_words: what the prompt asks for.

    strict: code spans hold only what the student wrote or was shown, and no edit is advised.
    patterns: code spans may hold syntax that the student has not used yet.
    """

    name: str
    min_words: int
    max_words: int
    aim_words: tuple[int, int]
    asking: Asking
    strict: bool = False
    patterns: bool = False


LEVELS: dict[int, Level] = {
    1: Level(
        name="notice",
        min_words=3,
        max_words=40,
        aim_words=(8, 30),
        asking=Asking.ONCE,
        strict=True,
    ),
    2: Level(
        name="locate",
        min_words=8,
        max_words=60,
        aim_words=(20, 50),
        asking=Asking.LAST,
    ),
    3: Level(
        name="concept",
        # Half of the 80 words that it should have still teaches; an empty phrase does not.
        min_words=40,
        max_words=160,
        aim_words=(80, 150),
        asking=Asking.FREELY,
        patterns=True,
    ),
}


def open_level(received: Collection[int]) -> int:
    """The highest level that may be asked for, given the levels of the hints already received."""
    return min(max(received, default=0) + 1, max(LEVELS))
