"""What only a solution has: runs of its tokens, its names and lines, made once for all students."""

from __future__ import annotations

import codecs
import re
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Any

from web.tutor.gate.lexis import (
    GRAM,
    OPERATORS,
    Gram,
    grams,
    is_name,
    operated,
    tokens,
    uncommented,
    without_blanks,
)
from web.tutor.gate.literals import Pair, quoted
from web.tutor.gate.seen import KEYWORDS
from web.tutor.gate.spoken import skeleton

PAIRING = OPERATORS - {"-", "/", "="}
"""Operators of which two tokens give away what they do with a name. No dash and no slash is among
them, which prose has beside names too."""
IN_CODE = PAIRING | {"-", "/", ".", "not", "and", "or", "in", "return", "if", "else"}
"""The same in a code span, where nothing is prose."""
RETURNED = frozenset(("return", value) for value in (*"0123456789", "true", "false", "none"))
NEGATED = frozenset((("not", "in"), ("is", "not")))
ROT47 = {code: 33 + (code + 14) % 94 for code in range(33, 127)}
"""Each sign of ASCII as the one 47 further on."""
CALLED = frozenset("(")
"""A bracket behind a name, but not before one: `print(n)` may be said."""
LONE = frozenset(
    (
        *("<=", ">=", "==", "!=", "//", "**", ">>", "<<"),
        *("+=", "-=", "*=", "/=", "%=", "//=", "**="),
    )
)
"""Operators that stand for nothing in prose, so that one alone tells that it is used."""
SHORTEST_LINE = 3
SHORTEST_PIECE = 8
INNER = re.compile(r"(?:return|if|elif|while|[\w\[\]., ]{1,80}?(?<![=<>!])=(?!=))\s*(.+?)\s*:?$")


class Solution:
    """A program that solves the exercise: the stored one, or the student's own with its fix."""

    def __init__(self, program: str) -> None:
        self._program = uncommented(program)
        self.parts = tokens(self._program)

    @cached_property
    def runs(self) -> frozenset[Gram]:
        return frozenset(grams(self.parts, GRAM))

    @cached_property
    def pairs(self) -> frozenset[Gram]:
        """A name beside an operator that prose does not use so."""
        return frozenset(pairs(self.parts, PAIRING))

    @cached_property
    def pairs_in_code(self) -> frozenset[Gram]:
        return frozenset(pairs(self.parts, IN_CODE, CALLED))

    @cached_property
    def dictated(self) -> frozenset[Gram]:
        """Runs of three of what is said of it, with a sign in each."""
        return frozenset(run for run in grams(skeleton(self.parts), GRAM) if signed(run))

    @cached_property
    def signs(self) -> frozenset[str]:
        """Of what is dictated."""
        return frozenset(part for run in self.dictated for part in run if is_sign(part))

    @cached_property
    def turned(self) -> dict[Gram, Gram]:
        """Runs of three as a text has them that is turned, each with the run of the program.

        From the last token to the first one, from the last character on, each letter 13
        or each sign 47 further.
        """
        rotated = ((tuple(codecs.encode(part, "rot13") for part in run), run) for run in self.runs)
        mirrored = grams(tokens(self._program[::-1]), GRAM)
        shifted = grams(tokens(self._program.translate(ROT47)), GRAM)
        return {
            **dict(rotated),
            **{run: run for run in shifted},
            **{run: tuple(part[::-1] for part in run[::-1]) for run in mirrored},
            **{run[::-1]: run for run in self.runs},
        }

    @cached_property
    def read_out(self) -> frozenset[Gram]:
        """Runs of two of it, but for those of keywords alone."""
        said = grams(skeleton(self.parts), 2)
        return frozenset(run for run in said if not KEYWORDS.issuperset(run))

    @cached_property
    def lines(self) -> frozenset[str]:
        """Its lines of some tokens, with a space around each token."""
        lines = map(tokens, self._program.splitlines())
        return frozenset(
            f" {' '.join(line)} "
            for line in lines
            if len(line) >= SHORTEST_LINE or (len(line) == 2 and line[0] == "return")
        )

    @cached_property
    def pieces(self) -> frozenset[str]:
        """Its lines, and what each returns, assigns or asks, without blanks.

        Quotes and letter case, of which tokens know nothing, are kept.
        """
        lines = [line.strip() for line in self._program.splitlines()]
        inner = [found[1] for found in map(INNER.match, lines) if found]
        squeezed = map(without_blanks, [*lines, *inner])
        return frozenset(piece for piece in squeezed if len(piece) >= SHORTEST_PIECE)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(filter(is_name, self.parts))

    @cached_property
    def tokens(self) -> frozenset[str]:
        return frozenset(self.parts)

    @cached_property
    def scattered(self) -> frozenset[Gram]:
        """Runs of four in a line, with an operator, without the keywords of prose."""
        lines = map(tokens, self._program.splitlines())
        return frozenset(run for line in lines for run in operated(line))

    @cached_property
    def operators(self) -> frozenset[str]:
        return self.tokens & (LONE | {"<", ">"})

    @cached_property
    def quoted(self) -> frozenset[Pair]:
        return frozenset(quoted(self._program))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(part for part in self.parts if part[0].isdigit())


def _of_each(kind: str) -> cached_property[frozenset[Any]]:
    """What any of the solutions has of this kind."""
    return cached_property(lambda known: frozenset().union(*map(attrgetter(kind), known.each)))


class Solutions:
    """All solutions that are known: the reference, and the student's own program with its fix.

    False for none. programs: as they are written; without comments they may be no Python.
    """

    runs, pairs, pairs_in_code = _of_each("runs"), _of_each("pairs"), _of_each("pairs_in_code")
    dictated, read_out = _of_each("dictated"), _of_each("read_out")
    lines, pieces, quoted = _of_each("lines"), _of_each("pieces"), _of_each("quoted")
    tokens, names, numbers = _of_each("tokens"), _of_each("names"), _of_each("numbers")
    operators, signs = _of_each("operators"), _of_each("signs")

    def __init__(self, programs: tuple[str, ...]) -> None:
        self.programs = programs
        self.each = tuple(map(solution_of, programs))

    def __bool__(self) -> bool:
        return bool(self.each)

    @cached_property
    def turned(self) -> dict[Gram, Gram]:
        return {run: its for each in self.each for run, its in each.turned.items()}

    @cached_property
    def turned_runs(self) -> frozenset[Gram]:
        return frozenset(self.turned)


@lru_cache(maxsize=512)
def solution_of(program: str) -> Solution:
    """Kept: a reference is the same for every student."""
    return Solution(program)


@lru_cache(maxsize=512)
def solutions_of(*programs: str) -> Solutions:
    """Of these programs that are not empty."""
    return Solutions(tuple(filter(None, programs)))


def pairs(
    parts: list[str], operators: frozenset[str], behind: frozenset[str] = frozenset()
) -> set[Gram]:
    """Two tokens in a row: a name, and one of these operators.

    behind: what counts only where it stands behind the name.
    """
    return {
        run
        for run in pairwise(parts)
        if (run[0] in operators and (names_value(run[1]) or run in RETURNED or run in NEGATED))
        or (run[1] in operators | behind and names_value(run[0]))
    }


def names_value(part: str) -> bool:
    return is_name(part) and part not in KEYWORDS


def signed(run: Gram) -> bool:
    return any(map(is_sign, run))


def is_sign(part: str) -> bool:
    return not (is_name(part) or part[0].isdigit())
