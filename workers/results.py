"""How tasks ended, for admins: Celery's result backend in the database, written many at a time.

A result written alone costs four statements and a thread's turn, for a log that nothing waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from threading import Lock
from typing import Any

from celery.app.task import Context
from django.db import transaction
from django_celery_results.backends import DatabaseBackend
from django_celery_results.models import TaskResult

from broker.contract.text import storable

# While the database is down; what ends beyond that is not in the log.
MOST_KEPT = 10_000
WRITTEN = (
    "status", "result", "content_type", "content_encoding", "traceback", "task_name", "task_args",
    "task_kwargs", "periodic_task_name", "worker", "date_done",
)  # fmt: skip


class Ledger:
    """Results not written yet, the last one of each task. Threads may share it."""

    def __init__(self) -> None:
        self.open = False
        """Whether somebody writes down what is kept; else each result is written at once."""
        self._rows: dict[str, TaskResult] = {}
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        return len(self._rows)

    def keep(self, row: TaskResult) -> None:
        with self._lock:
            if len(self._rows) < MOST_KEPT:
                self._rows[row.task_id] = row

    def write(self) -> None:
        """Raises: DatabaseError, with everything kept."""
        with self._lock:
            rows = dict(self._rows)
        write(rows.values())
        # Not before: what is around this may be undone, and then this is done again.
        transaction.on_commit(partial(self._drop, rows))

    def _drop(self, rows: Mapping[str, TaskResult]) -> None:
        with self._lock:
            for task_id, row in rows.items():
                # What came meanwhile is newer.
                if self._rows.get(task_id) is row:
                    del self._rows[task_id]


ledger = Ledger()


class Results(DatabaseBackend):  # type: ignore[misc]  # untyped
    """As its base, but a task's end only leaves a note where a ledger is open."""

    def _store_result(
        self,
        task_id: str,
        result: Any,
        status: str,
        traceback: str | None = None,
        request: Context | None = None,
        using: str | None = None,
    ) -> Any:
        content_type, content_encoding, content = self.encode_content(result)
        row = TaskResult(
            task_id=task_id,
            status=status,
            result=content,
            content_type=content_type,
            content_encoding=content_encoding,
            **self._get_extended_properties(request, traceback),
        )
        fit(row)
        if ledger.open:
            ledger.keep(row)
        else:
            write([row])
        return result


def fit(row: TaskResult) -> None:
    """Marks and cuts what its columns do not take: one such row would keep all others waiting."""
    for field in TaskResult._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, str):
            setattr(row, field.attname, storable(value)[: field.max_length])


def write(rows: Iterable[TaskResult]) -> None:
    """One statement, in which the last word on a task counts."""
    TaskResult.objects.bulk_create(
        list(rows), update_conflicts=True, unique_fields=["task_id"], update_fields=WRITTEN
    )
