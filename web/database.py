"""The database's clock, which alone tells ages, and what an error of the database means."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from django.db import (
    DataError,
    Error,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    connection,
)
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


@cache
def now_sql() -> str:
    """The time of the database, in its own words; to make them takes longer than to ask it."""
    return sql(Now())[0]


def sql(expression: Any) -> tuple[str, list[Any]]:
    """An expression without columns in the words of this database, and its parameters."""
    query = Query(None)
    compiler = query.get_compiler(connection=connection)
    text, parameters = compiler.compile(expression.resolve_expression(query))
    return text, list(parameters)
