"""One message in the pool's hands: accepted, run, told to Celery."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from billiard.einfo import ExceptionInfo
from celery import signals
from celery.app.task import Context
from kombu.serialization import loads

from workers.pool.asynctask import AsyncTask, Ended, Tracer, request_of, trace
from workers.pool.limits import Bounded

log = logging.getLogger(__name__)
Hop = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a blocking call in one of the tracer's threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What Celery's Request wants to hear. accepted: (process id, monotonic seconds)."""

    accepted: Callable[[int, float], None]
    traced: Callable[[Any], None]
    failed: Callable[[ExceptionInfo], None]
    timed_out: Callable[[bool, float], None]


@dataclass(eq=False, kw_only=True)
class Job:
    """number: stands for the process Celery believes in. message: what Celery's tracer takes.

    cancel: has the pool call revoke on the loop, from any thread.
    """

    number: int
    cancel: Callable[[int], None]
    message: tuple[Any, ...]
    callbacks: Callbacks
    revoked: bool = False

    def terminate(self, signal: int | None = None) -> None:
        """Celery's Request calls it, and records the task as revoked by itself."""
        self.cancel(self.number)

    def revoke(self) -> None:
        self.revoked = True

    async def run(self, in_thread: Hop) -> None:
        """Never raises: whatever Celery or a backend does, the slot must come back."""
        try:
            await self._work(in_thread)
        except (Exception, SystemExit):
            log.exception("task %s[%s] has no result", *self.message[:2])
            await in_thread(partial(self._fail, ExceptionInfo()))

    def _accept(self) -> None:
        self.callbacks.accepted(self.number, monotonic())

    def _fail(self, error: ExceptionInfo) -> None:
        try:
            self.callbacks.failed(error)
        except Exception:  # it writes to the backend, which may be what failed before
            log.exception("task %s[%s] is not recorded as failed", *self.message[:2])

    async def _work(self, in_thread: Hop) -> None:
        raise NotImplementedError


@dataclass(eq=False, kw_only=True)
class PlainJob(Job):
    """A task that is no coroutine: it blocks a thread of the tracer and has no time limits."""

    target: Callable[..., Any]

    async def _work(self, in_thread: Hop) -> None:
        await in_thread(self._trace)

    def _trace(self) -> None:
        self._accept()
        if not self.revoked:
            self.callbacks.traced(self.target(*self.message))


@dataclass(eq=False, kw_only=True)
class CoroutineJob(Job):
    """Accepted and run on the loop; traced in a thread if the result backend may block.

    What hears task_prerun may not: it is sent on the loop.
    """

    task: AsyncTask
    tracer: Tracer
    accept_content: set[str] | None
    soft_s: float | None
    hard_s: float | None
    _body: Bounded | None = field(default=None, repr=False)

    def revoke(self) -> None:
        self.revoked = True
        if self._body:
            self._body.cancel()

    async def _work(self, in_thread: Hop) -> None:
        request = self._begin()
        if self.revoked:
            return
        request_of.set(request)
        start = partial(self.task.run, *(request.args or ()), **(request.kwargs or {}))
        self._body = Bounded(start, self.soft_s, self.hard_s)
        ended = await self._body.end(partial(self.callbacks.timed_out, True))
        if self.revoked:
            return
        if getattr(self.task.backend, "blocks", True):
            await in_thread(partial(self._finish, ended))
        else:
            self._finish(ended)

    def _begin(self) -> Context:
        self._accept()
        _, task_id, headers, body, content_type, encoding = self.message
        if content_type:
            body = loads(body, content_type, encoding, accept=self.accept_content)
        args, kwargs, embedded = body
        headers.update(embedded or {}, args=args, kwargs=kwargs, is_eager=False)
        request = Context(headers, called_directly=False)
        self.task.request_stack.push(request)
        try:
            signals.task_prerun.send(
                sender=self.task, task_id=task_id, task=self.task, args=args, kwargs=kwargs
            )
        finally:
            self.task.request_stack.pop()
        return request

    def _finish(self, ended: Ended) -> None:
        self.callbacks.traced(trace(self.tracer, self.message[2], ended))
