"""The database's clock, which alone tells ages, and what an error of the database means."""

from __future__ import annotations

from datetime import timedelta

from django.db import (
    DataError,
    Error,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_down(error: BaseException | None) -> bool:
    """Whether the database is full, read-only, locked or away: no query could have helped it."""
    return isinstance(error, Error) and not isinstance(error, OUR_MISTAKES)


def ago(seconds: float) -> CombinedExpression:
    """The time that was `seconds` ago by the database's clock; the clocks of machines differ."""
    return Now() - timedelta(seconds=seconds)
