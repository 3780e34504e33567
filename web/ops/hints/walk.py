"""The hints, by when they were asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import DateTimeField, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from web.hints.models import Hint
from web.ops.lists.walk import Way, look

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


class Walk(Way[Hint, Position]):
    """Through the hints, by when they were asked."""

    newest_first = ("-created_at", "-id")

    @classmethod
    def read(cls, word: str) -> Position | None:
        return Position.read(word)

    def place(self, row: Hint) -> Position:
        return Position.of(row)

    def every(self) -> QuerySet[Hint]:
        return Hint.objects.only("created_at")

    def ahead(self, rows: QuerySet[Hint]) -> QuerySet[Hint]:
        # A column of the same name would be the time that Python made of it.
        return super().ahead(rows.annotate(at=Cast("created_at", TextField())))

    def after(self, rows: QuerySet[Hint], itself: bool = False) -> QuerySet[Hint]:
        if self.start is None:
            return rows
        than, pk = "gt" if self.newer else "lt", self.start.pk
        at = RawSQL("%s", (self.start.at,), DateTimeField())
        here = Q(**{"created_at": at, f"id__{than}{'e' * itself}": pk})
        # The first condition says nothing new, but an index can begin at it.
        return rows.filter(
            Q(**{f"created_at__{than}e": at}), Q(**{f"created_at__{than}": at}) | here
        )


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
