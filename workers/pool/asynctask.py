"""AsyncTask, the base of the tasks that the pool runs: their body is a coroutine."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from celery import Task
from celery.app.task import Context

request_of: ContextVar[Context | None] = ContextVar("request_of", default=None)
"""The request whose coroutine runs in this context."""


class AsyncTask(Task[Any, Any]):
    """Has a hard time limit, but no soft one; is sent no signals and calls no other task."""

    @property
    def request(self) -> Context:
        """In the coroutine, its own request; Celery's stack knows one task a thread."""
        return request_of.get() or super().request
