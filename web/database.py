"""What an error of the database means: that it is away or full, or that a query is wrong."""

from __future__ import annotations

from django.db import DataError, Error, IntegrityError, NotSupportedError, ProgrammingError

OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_down(error: BaseException | None) -> bool:
    """Whether the database is full, read-only, locked or away: no query could have helped it."""
    return isinstance(error, Error) and not isinstance(error, OUR_MISTAKES)
