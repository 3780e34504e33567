"""Hints from the newest to the oldest, a page at a time and never by counting from the start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import DateTimeField, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from web.hints.models import Hint
from web.ops.hints.bounded import OutOfTime, within

WALK_S = 0.4
"""For one page: whoever waits longer does not know whether it still works."""
PLAIN_S = 0.25
"""Of it, for the question as it is; then it is asked of a part of the hints after the other."""
FIRST_PART = 5_000
SHARES = (0.5, 0.8, 0.0)
"""How much of the time that is left after a part its successor may take; the last has none."""
LEAST_S = 0.02
MOST_COUNTED = 10_000
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?:\+00)?"
WORD = re.compile(rf"({TIME})_([0-9a-f]{{32}})", re.ASCII)


class Position(NamedTuple):
    """Of one hint in the order of the list: many may have been asked at the same moment.

    at: as the database writes the time, which of SQLite is a text that it compares letter by
    letter, and which no time of Python's gives again as it was.
    """

    at: str
    pk: UUID

    @classmethod
    def of(cls, hint: Hint) -> Position:
        return cls(vars(hint)["at"], hint.pk)

    @classmethod
    def read(cls, word: str) -> Position | None:
        """From an address; None for what is no position."""
        found = WORD.fullmatch(word)
        try:
            datetime.fromisoformat(found[1] if found else "")
        except ValueError:
            return None
        return cls(found[1], UUID(found[2])) if found else None

    @property
    def moment(self) -> datetime:
        found = datetime.fromisoformat(self.at)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.at}_{self.pk.hex}"


@dataclass(frozen=True, slots=True)
class Walk:
    """From a position on, without it; None: from the newest.

    newer: towards the newer hints, and then the start must be known.
    """

    start: Position | None = None
    newer: bool = False

    def ahead(self, rows: QuerySet[Hint]) -> QuerySet[Hint]:
        """Those that come, in the order in which they do."""
        # A column of the same name would be the time that Python made of it.
        rows = rows.annotate(at=Cast("created_at", TextField()))
        return self._after(rows).order_by(*(["created_at", "id"] if self.newer else NEWEST))

    def up_to(self, rows: QuerySet[Hint], end: Position) -> QuerySet[Hint]:
        """Those that come until this one, with it."""
        return Walk(end, not self.newer)._after(self.ahead(rows), itself=True)

    def _after(self, rows: QuerySet[Hint], itself: bool = False) -> QuerySet[Hint]:
        if self.start is None:
            return rows
        than, pk = "gt" if self.newer else "lt", self.start.pk
        at = RawSQL("%s", (self.start.at,), DateTimeField())
        here = Q(**{"created_at": at, f"id__{than}{'e' * itself}": pk})
        # The first condition says nothing new, but an index can begin at it.
        return rows.filter(
            Q(**{f"created_at__{than}e": at}), Q(**{f"created_at__{than}": at}) | here
        )


NEWEST = ("-created_at", "-id")


class Stretch(NamedTuple):
    """rows: in the walk's order. more: whether another one comes after them.

    stopped: the time was over before that was known. reached: how far it had looked by then.
    """

    rows: list[Hint]
    more: bool
    stopped: bool = False
    reached: Position | None = None

    @property
    def end(self) -> Position | None:
        """Where to go on; None where nothing is left, or nothing was reached."""
        if self.stopped:
            return self.reached
        return Position.of(self.rows[-1]) if self.more else None


def look(walk: Walk, rows: QuerySet[Hint], most: int, within_s: float = WALK_S) -> Stretch:
    """The first of these rows on the walk, or as many as were found in time."""
    until_s = monotonic() + within_s
    try:
        with within(min(PLAIN_S, within_s)):
            return whole(list(walk.ahead(rows)[: most + 1]), most)
    except OutOfTime:
        return in_parts(walk, rows, most, until_s)


def in_parts(walk: Walk, rows: QuerySet[Hint], most: int, until_s: float) -> Stretch:
    """As look, for what no index answers: few match, and the others have to be read too."""
    # Parts are stretches of time, whose hints lie beside each other on the disk.
    found: list[Hint] = []
    size, here = FIRST_PART, walk
    for share in SHARES:
        began_s = monotonic()
        if until_s - began_s < LEAST_S:
            break
        try:
            with within(until_s - began_s):
                end = last_of(here, size)
            part = here.up_to(rows, end) if end else here.ahead(rows)
            with within(until_s - monotonic()):
                found += part[: most + 1 - len(found)]
        except OutOfTime:
            break
        if len(found) > most or end is None:
            return whole(found, most)
        here = replace(here, start=end)
        # If its rows are like these.
        times = share * (until_s - monotonic()) / max(monotonic() - began_s, 0.001)
        size = max(FIRST_PART, int(size * min(times, 20)))
    return Stretch(found, True, stopped=True, reached=here.start)


def last_of(walk: Walk, size: int) -> Position | None:
    """Of the next so many hints, whichever they are; None if there are fewer."""
    ends = walk.ahead(Hint.objects.only("created_at"))[size - 1 : size]
    return next(map(Position.of, ends), None)


def whole(rows: list[Hint], most: int) -> Stretch:
    return Stretch(rows[:most], len(rows) > most)


def every(rows: QuerySet[Hint], size: int, within_s: float) -> Iterator[list[Hint]]:
    """All of them, so many at a time, however long that takes in all."""
    walk = Walk()
    while True:
        part = look(walk, rows, size, within_s)
        yield part.rows
        if part.end is None and not part.stopped:
            return
        # Else it would ask the same for ever.
        if part.end == walk.start:
            within_s *= 2
        walk = Walk(part.end)


def count(rows: QuerySet[Any], within_s: float, most: int = MOST_COUNTED) -> int | None:
    """One more than `most` for any number beyond it; None if it takes too long to know."""
    try:
        with within(within_s):
            return rows.order_by().values("pk")[: most + 1].count()
    except OutOfTime:
        return None
