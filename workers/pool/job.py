"""A task whose body is a coroutine, and one run of it, of whose end Celery hears."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import TimeLimitExceeded
from celery.app.task import Context, Task
from celery.exceptions import Ignore

GRACE_S = 1.0
"""So long a coroutine may go on after its time limit cancelled it; then it is left to itself."""
log = logging.getLogger(__name__)
request_of: ContextVar[Context | None] = ContextVar("request_of", default=None)
"""The request whose coroutine runs in this context."""


class AsyncTask(Task[Any, Any]):
    """The base of the tasks that the pool runs.

    Has a hard time limit, but no soft one; is sent no signals and calls no other task.
    """

    @property
    def request(self) -> Context:
        """In the coroutine, its own request; Celery's stack knows one task a thread."""
        return request_of.get() or super().request


@dataclass(eq=False, kw_only=True)
class Job:
    """One message in the pool's hands; lives on the pool's loop.

    limit_s: seconds it may run, None for ever. ended, failed: Celery's own callbacks. released:
    told once, whatever happens.
    """

    id: str
    task: Task[Any, Any]
    request: Context
    limit_s: float | None
    ended: Callable[[tuple[int, Any, float]], None]
    failed: Callable[[ExceptionInfo], None]
    released: Callable[[], None]
    _began_s: float = field(default_factory=monotonic)
    _revoked: bool = False
    _overdue: bool = False
    _running: asyncio.Task[Any] = field(init=False, repr=False)
    _alarm: asyncio.TimerHandle | None = None

    def start(self) -> None:
        context = copy_context()
        context.run(request_of.set, self.request)
        self._running = asyncio.create_task(self._run(), context=context)
        # In its context, so that the line about its end says what it was about.
        self._running.add_done_callback(self._done, context=context)
        if self.limit_s:
            self._alarm = self._running.get_loop().call_later(self.limit_s, self._expire)

    def revoke(self) -> None:
        """Celery records by itself that the task is revoked."""
        self._revoked = True
        self._running.cancel()

    async def _run(self) -> Any:
        if not isinstance(self.task, AsyncTask):
            raise TypeError(f"{self.task.name} is no AsyncTask, and this pool runs nothing else")
        try:
            request = self.request
            return await self.task.run(*(request.args or ()), **(request.kwargs or {}))
        except (SystemExit, KeyboardInterrupt) as error:
            # Either would stop the loop, and with it every other task.
            raise RuntimeError(f"the coroutine raised {error!r}") from error

    def _expire(self) -> None:
        self._overdue = True
        self._running.cancel()
        self._alarm = self._running.get_loop().call_later(GRACE_S, self._abandon)

    def _abandon(self) -> None:
        log.error("a coroutine ignores its cancellation: %r", self._running)
        self._running.remove_done_callback(self._done)
        self._done(self._running)

    def _done(self, running: asyncio.Task[Any]) -> None:
        if self._alarm:
            self._alarm.cancel()
        try:
            if not self._revoked:
                self._tell(running)
        except Exception:  # Celery or the result backend is broken; the slot must come back
            log.exception("task %s[%s] has no result", self.task.name, self.id)
            with suppress(Exception):  # this writes to the backend too
                self.failed(ExceptionInfo())
        finally:
            self.released()

    def _tell(self, running: asyncio.Task[Any]) -> None:
        try:
            value = self._value(running)
        except Exception as error:
            self._tell_failure(error)
            return
        self.task.backend.mark_as_done(self.id, value, self.request)
        shown = repr(value)[: self.task.resultrepr_maxsize]
        took_s = monotonic() - self._began_s
        log.info("task %s[%s] succeeded in %.2f s", self.task.name, self.id, took_s)
        self.ended((0, shown, took_s))

    def _value(self, running: asyncio.Task[Any]) -> Any:
        if self._overdue:
            raise TimeLimitExceeded(self.limit_s)
        if running.cancelled():
            raise RuntimeError("the coroutine was cancelled")
        return running.result()

    def _tell_failure(self, error: Exception) -> None:
        info = ExceptionInfo((type(error), error, error.__traceback__))
        if not isinstance(error, Ignore):
            log.error("task %s[%s] failed", self.task.name, self.id, exc_info=error)
            self.task.backend.mark_as_failure(self.id, error, info.traceback, self.request)
        self.ended((1, info, monotonic() - self._began_s))
