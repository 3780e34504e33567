"""Rows from the newest to the oldest, a page at a time and never by counting from the start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from django.db.models import Model, QuerySet

from web.ops.lists.bounded import OutOfTime, within

WALK_S = 0.4
"""For one page: whoever waits longer does not know whether it still works."""
PLAIN_S = 0.25
"""Of it, for the question as it is; then it is asked of a part of the rows after the other."""
FIRST_PART = 5_000
SHARES = (0.5, 0.8, 0.0)
"""How much of the time that is left after a part its successor may take; the last has none."""
LEAST_S = 0.02
MOST_COUNTED = 10_000
Row = TypeVar("Row", bound=Model)
Place = TypeVar("Place")
"""Of one row in its list; str of it is what an address says, and its `moment` is shown."""


@dataclass(frozen=True)
class Way(ABC, Generic[Row, Place]):
    """Through a list from a place on, without it; None: from the newest row.

    newer: towards the newer ones, and then the start must be known.
    """

    start: Place | None = None
    newer: bool = False
    newest_first: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def read(cls, word: str) -> Place | None:
        """The place that an address names; None for what is no place."""

    @abstractmethod
    def place(self, row: Row) -> Place:
        """Of a row that came on this way."""

    @abstractmethod
    def every(self) -> QuerySet[Row]:
        """Each row that there is, with no more of it than its place."""

    @abstractmethod
    def after(self, rows: QuerySet[Row], itself: bool = False) -> QuerySet[Row]:
        """Those behind the start, seen in its direction. itself: with the start."""

    def ahead(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those that come, in the order in which they do."""
        order = self.newest_first
        if self.newer:
            order = tuple(name.removeprefix("-") for name in order)
        return self.after(rows).order_by(*order)

    def up_to(self, rows: QuerySet[Row], end: Place) -> QuerySet[Row]:
        """Those that come until this one, with it."""
        back = replace(self, start=end, newer=not self.newer)
        return back.after(self.ahead(rows), itself=True)


class Stretch(NamedTuple, Generic[Row, Place]):
    """rows: in the order of the way. end: where to go on; None where nothing is left.

    stopped: the time was over before that was known; end is how far it had looked by then, None
    where it has seen nothing.
    """

    rows: list[Row]
    end: Place | None = None
    stopped: bool = False

    @property
    def more(self) -> bool:
        """Whether another row comes after them, or may come."""
        return self.stopped or self.end is not None


def look(
    way: Way[Row, Place], rows: QuerySet[Row], most: int, within_s: float = WALK_S
) -> Stretch[Row, Place]:
    """The first of these rows on the way, or as many as were found in time."""
    until_s = monotonic() + within_s
    try:
        with within(min(PLAIN_S, within_s)):
            return whole(way, list(way.ahead(rows)[: most + 1]), most)
    except OutOfTime:
        return in_parts(way, rows, most, until_s)


def in_parts(
    way: Way[Row, Place], rows: QuerySet[Row], most: int, until_s: float
) -> Stretch[Row, Place]:
    """As look, for what no index answers: few match, and the others have to be read too."""
    # Parts are stretches of the list, whose rows lie beside each other on the disk.
    found: list[Row] = []
    size, here = FIRST_PART, way
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
            return whole(way, found, most)
        here = replace(here, start=end)
        # If its rows are like these.
        times = share * (until_s - monotonic()) / max(monotonic() - began_s, 0.001)
        size = max(FIRST_PART, int(size * min(times, 20)))
    return Stretch(found, here.start, stopped=True)


def last_of(way: Way[Row, Place], size: int) -> Place | None:
    """Of the next so many rows, whichever they are; None if there are fewer."""
    ends = way.ahead(way.every())[size - 1 : size]
    return next(map(way.place, ends), None)


def whole(way: Way[Row, Place], rows: list[Row], most: int) -> Stretch[Row, Place]:
    return Stretch(rows[:most], way.place(rows[most - 1]) if len(rows) > most else None)


def count(rows: QuerySet[Any], within_s: float, most: int = MOST_COUNTED) -> int | None:
    """One more than `most` for any number beyond it; None if it takes too long to know."""
    try:
        with within(within_s):
            return rows.order_by().values("pk")[: most + 1].count()
    except OutOfTime:
        return None
