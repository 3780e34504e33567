"""The database's clock, which alone tells ages, and what an error of the database means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from django.db import (
    DataError,
    Error,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    connection,
)
from django.db.models import DurationField
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.db.models.sql import Query

OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_down(error: BaseException | None) -> bool:
    """Whether the database is full, read-only, locked or away: no query could have helped it."""
    return isinstance(error, Error) and not isinstance(error, OUR_MISTAKES)


def ago(seconds: float) -> CombinedExpression:
    """The time that was `seconds` ago by the database's clock; the clocks of machines differ."""
    return Now() - timedelta(seconds=seconds)


class Sql(NamedTuple):
    """A part of a statement in the words of this database, and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


@cache
def now_sql() -> Sql:
    """The time of the database; to make the words takes longer than to ask it."""
    return compiled(Now())


def ago_sql(seconds: float) -> Sql:
    """As ago."""
    duration = DurationField().get_db_prep_value(timedelta(seconds=seconds), connection)
    return Sql(long_ago().text, (duration,))


@cache
def long_ago() -> Sql:
    return compiled(ago(1))


def compiled(expression: Any) -> Sql:
    """An expression without columns."""
    query = Query(None)
    compiler = query.get_compiler(connection=connection)
    text, parameters = compiler.compile(expression.resolve_expression(query))
    return Sql(text, tuple(parameters))


def update(table: str, columns: Mapping[str, Any], rows: Sql) -> int:
    """Changes those rows, and counts them; a QuerySet takes ten times as long, most of it for SQL.

    columns: values as the driver takes them, or Sql. rows: the condition.
    """
    parts = [value if isinstance(value, Sql) else Sql("%s", (value,)) for value in columns.values()]
    to = ", ".join(f"{name} = {part.text}" for name, part in zip(columns, parts, strict=True))
    parameters = chain.from_iterable(part.parameters for part in (*parts, rows))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {to} WHERE {rows.text}", list(parameters))  # noqa: S608
        return int(cursor.rowcount)
