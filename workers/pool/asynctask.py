"""AsyncTask, the base of tasks whose body is a coroutine, and its passage through Celery's tracer.

The coroutine runs on the pool's loop. Its end is then told to the tracer, in a thread where storing
a result may block: for it the task, when called, only repeats how the coroutine ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any

from celery import Celery, Task, signals
from celery.app.task import Context
from celery.app.trace import build_tracer, trace_ok_t

Tracer = Callable[[str, Any, Any, dict[str, Any]], trace_ok_t]
request_of: ContextVar[Context | None] = ContextVar("request_of", default=None)
"""The request whose coroutine runs in this context."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a coroutine ended. began_s: monotonic clock."""

    began_s: float
    value: Any = None
    error: Exception | None = None


class _Traced(threading.local):
    """What the tracer of this thread is to learn."""

    ended: Ended | None = None
    began_s: float | None = None


_traced = _Traced()


class AsyncTask(Task[Any, Any]):
    """Task.before_start runs after the body, with the tracer; task_prerun is sent before it."""

    @property
    def request(self) -> Context:
        """In the coroutine, its own request; Celery's stack knows one task a thread."""
        return request_of.get() or super().request

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """How the coroutine ended; outside the pool, as in eager mode, runs it."""
        ended = _traced.ended
        if ended is None:
            return asyncio.run(self.run(*args, **kwargs))
        if ended.error is not None:
            raise ended.error
        return ended.value


def tracer_of(task: AsyncTask, app: Celery) -> Tracer:
    """Celery's tracer, without task_prerun, which is sent before the body.

    Call it before the worker runs: build_tracer keeps the very list of receivers that it finds.
    """
    receivers, signals.task_prerun.receivers = signals.task_prerun.receivers, []
    try:
        return build_tracer(task.name, task, app.loader, app=app, monotonic=_clock)
    finally:
        signals.task_prerun.receivers = receivers


def trace(tracer: Tracer, headers: dict[str, Any], ended: Ended) -> tuple[int, Any, float | None]:
    """As celery.app.trace.fast_trace_task: (1, ExceptionInfo, seconds) or (0, repr, seconds)."""
    _traced.ended, _traced.began_s = ended, ended.began_s
    try:
        value, info, runtime_s, shown = tracer(
            headers["id"], headers["args"], headers["kwargs"], headers
        )
    finally:
        _traced.ended = _traced.began_s = None
    return (1, value, runtime_s) if info else (0, shown, runtime_s)


def _clock() -> float:
    """The tracer asks at its start, which for it is the start of the body, and at its end."""
    began_s, _traced.began_s = _traced.began_s, None
    return monotonic() if began_s is None else began_s
