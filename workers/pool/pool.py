"""AsyncioPool: a Celery pool whose coroutine tasks share one event loop.

The setting worker_pool names it. It needs a Redis broker and worker_disable_prefetch, by which
Celery fetches no more than there are slots, and a result backend that does not block: what stores
a result is called on the loop.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from time import monotonic, sleep
from typing import Any

import uvloop
from celery.app.task import Context
from celery.concurrency.base import BasePool
from celery.utils.functional import noop
from celery.worker import state as worker_state
from kombu.asynchronous import Hub

from workers.pool.job import Job
from workers.pool.watchdog import Watchdog

log = logging.getLogger(__name__)
COLD_STOP_S = 5.0
"""A cold shutdown waits so long for the coroutines it has cancelled."""

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]
_lifespans: list[Lifespan] = []


def lifespan(make: Lifespan) -> Lifespan:
    """Registers, also as a decorator, what lives on the loop with the pool.

    Entered before the first task, left after the last, in reverse order; failing to enter stops the
    worker's start.
    """
    _lifespans.append(make)
    return make


class AsyncioPool(BasePool):
    """The loop's thread owns all state below; other threads post to it."""

    signal_safe = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._stopping = False
        self._hub: Hub | None = None
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name="asyncio-pool", daemon=True)
        self.watchdog = Watchdog(self.loop, self._thread)

    def on_start(self) -> None:
        self._thread.start()
        self._started.result()
        self.watchdog.start()

    def register_with_event_loop(self, loop: Hub) -> None:
        """loop: of Celery's consumer, which fetches while there are free slots."""
        self._hub = loop

    def on_stop(self) -> None:
        """Waits for the running tasks.

        Celery calls it in a cold shutdown too, from a signal handler and then again.
        """
        flag = worker_state.should_terminate
        self._stop(cold=flag is not None and flag is not False)

    def on_terminate(self) -> None:
        self._stop(cold=True)

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """pid: the number of the job."""
        self._post(self._revoke, pid)

    def on_apply(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: object = None,
        *,
        accept_callback: Callable[[int, float], None],
        callback: Callable[[Any], None],
        error_callback: Callable[[Any], None],
        timeout: float | None = None,
        **_: Any,
    ) -> None:
        """target, which runs a task in a process, is not called."""
        name, task_id, headers, *_body = args
        number = next(self._numbers)
        # Celery acknowledges the message now, and from now on may ask for terminate_job.
        accept_callback(number, monotonic())
        job = Job(
            id=task_id,
            task=self.app.tasks[name],
            request=Context(headers, called_directly=False),
            limit_s=timeout,
            ended=callback,
            failed=error_callback,
            released=partial(self._release, number),
        )
        self._post(self._start, number, job)
        # The loop's thread is awake now. Without a turn of its own it would wait for Python's lock
        # until Celery has done all that it does after a message, and so would the hint.
        sleep(0)

    def _get_info(self) -> dict[str, Any]:
        return {
            **super()._get_info(),  # type: ignore[misc]  # missing in celery-types
            "in-flight": len(self._jobs),
            "loop-lag-ms": round(self.watchdog.lag_s * 1000, 1),
        }

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nothing left to act on
            self.loop.call_soon_threadsafe(call, *args)

    def _stop(self, *, cold: bool) -> None:
        self._post(self._finish, cold)
        self._thread.join(COLD_STOP_S + 1 if cold else None)
        self.watchdog.stop()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._idle = asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                for make in _lifespans:
                    await stack.enter_async_context(make())
                self._started.set_result(None)
                await self._idle.wait()
        except Exception as error:  # the worker's own thread must hear of it, or shut down anyway
            if self._started.done():
                log.exception("the pool's loop did not end cleanly")
            else:
                self._started.set_exception(error)

    def _start(self, number: int, job: Job) -> None:
        self._jobs[number] = job
        job.start()

    def _release(self, number: int) -> None:
        if self._hub and len(self._jobs) >= self.limit:
            self._hub.call_soon(noop)  # it looks for a free slot only when something happens
        del self._jobs[number]
        if self._stopping and not self._jobs:
            self._idle.set()

    def _revoke(self, number: int) -> None:
        if number in self._jobs:
            self._jobs[number].revoke()

    def _finish(self, cold: bool) -> None:
        self._stopping = True
        log.info("draining %d tasks", len(self._jobs))
        if cold:
            for job in self._jobs.values():
                job.revoke()
            self.loop.call_later(COLD_STOP_S, self._idle.set)
        if not self._jobs:
            self._idle.set()
