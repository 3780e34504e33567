"""Rows in the order of their numbers, in which they were made."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, NamedTuple

from django.db.models import QuerySet

from broker.contract.text import row_number
from web.ops.lists.walk import Row, Way


class Number(NamedTuple):
    """Of one row. moment: its time, which an address does not know."""

    pk: int
    moment: datetime | None = None

    def __str__(self) -> str:
        return str(self.pk)


class NumberedWay(Way[Row, Number]):
    """moment: the column of the time that the list shows."""

    newest_first = ("-pk",)
    moment: ClassVar[str]

    @classmethod
    def read(cls, word: str) -> Number | None:
        # That of a row which is gone is a place too.
        pk = row_number(word)
        return None if pk is None else Number(pk)

    def place(self, row: Row) -> Number:
        return Number(row.pk, getattr(row, self.moment))

    def after(self, rows: QuerySet[Row], itself: bool = False) -> QuerySet[Row]:
        if self.start is None:
            return rows
        than = ("gt" if self.newer else "lt") + "e" * itself
        return rows.filter(**{f"pk__{than}": self.start.pk})
