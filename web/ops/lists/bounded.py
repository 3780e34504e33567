"""A query that may not take longer than a person waits for a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.db import OperationalError, connection, transaction

SQLITE_STEPS = 10_000
"""Of its virtual machine, between two looks at the clock: about a millisecond."""


class OutOfTime(Exception):
    """The database was still looking when its time was over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Each statement in it may take so long. Raises: OutOfTime."""
    until_s = monotonic() + seconds
    try:
        # SQLite's transactions take the lock of all writers, and this only reads.
        with sqlite(until_s) if connection.vendor == "sqlite" else postgresql(seconds):
            yield
    except OperationalError as error:
        if monotonic() < until_s:
            raise
        raise OutOfTime from error


@contextmanager
def postgresql(seconds: float) -> Iterator[None]:
    within_another = connection.in_atomic_block
    with transaction.atomic():
        limit(max(1, round(seconds * 1000)))
        yield
        # The limit ends with the whole transaction, and the rest of that has none.
        if within_another:
            limit(0)


def limit(each_ms: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(each_ms)])


@contextmanager
def sqlite(until_s: float) -> Iterator[None]:
    connection.ensure_connection()
    driver = connection.connection
    driver.set_progress_handler(lambda: monotonic() > until_s, SQLITE_STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
