"""AsyncioPool: a Celery pool whose coroutine tasks share one event loop.

The setting worker_pool names it. A task whose base is AsyncTask runs on the loop, and costs a
thread only while its result is stored, if that may block.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from typing import Any

import uvloop
from celery.concurrency.base import BasePool
from celery.utils.functional import noop
from celery.worker import state as worker_state
from kombu.asynchronous import Hub
from kombu.serialization import prepare_accept_content

from workers.pool.asynctask import AsyncTask, tracer_of
from workers.pool.job import Callbacks, CoroutineJob, Job, PlainJob
from workers.pool.watchdog import Watchdog

__all__ = ["AsyncTask", "AsyncioPool", "lifespan"]

log = logging.getLogger(__name__)
TRACE_THREADS = 1
"""Bounds the database connections that storing results can hold."""
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
    """Runs up to `limit` jobs; what Celery fetches beyond, unacknowledged, waits here.

    The loop's thread owns all state below; other threads post to it.
    """

    signal_safe = False
    body_can_be_buffer = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._waiting: deque[Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._hub: Hub | None = None
        self._accept_content = prepare_accept_content(self.app.conf.accept_content)
        self._tracing = ThreadPoolExecutor(TRACE_THREADS, thread_name_prefix="trace")
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name="asyncio-pool", daemon=True)
        self.watchdog = Watchdog(self.loop, self._thread)

    def on_start(self) -> None:
        self._tracers = {
            name: tracer_of(task, self.app)
            for name, task in self.app.tasks.items()
            if isinstance(task, AsyncTask)
        }
        self._thread.start()
        self._started.result()
        self.watchdog.start()

    def register_with_event_loop(self, loop: Hub) -> None:
        """loop: of Celery's consumer, which with worker_disable_prefetch fetches at free slots."""
        self._hub = loop

    def on_stop(self) -> None:
        """Waits for the running tasks; the waiting, not acknowledged, go back to the queue.

        Celery calls it in a cold shutdown too, from a signal handler and then again.
        """
        flag = worker_state.should_terminate
        self._stop(cold=flag is not None and flag is not False)

    def on_terminate(self) -> None:
        self._stop(cold=True)

    def grow(self, n: int = 1) -> None:
        self.limit += n
        self._post(self._fill)

    def shrink(self, n: int = 1) -> None:
        """Running tasks stay; fewer follow them."""
        self.limit = max(1, self.limit - n)

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """pid: the number of the job."""
        self._post(self._revoke, pid)

    def on_apply(  # type: ignore[override]  # the base names none of the arguments it is given
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        accept_callback: Callable[[int, float], None],
        callback: Callable[[Any], None],
        error_callback: Callable[[Any], None],
        timeout_callback: Callable[[bool, float], None],
        soft_timeout: float | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Job:
        told = Callbacks(
            accepted=accept_callback,
            traced=callback,
            failed=error_callback,
            timed_out=timeout_callback,
        )
        new: Callable[..., Job] = partial(PlainJob, target=target)
        if args[0] in self._tracers:
            new = partial(
                CoroutineJob,
                task=self.app.tasks[args[0]],
                tracer=self._tracers[args[0]],
                accept_content=self._accept_content,
                soft_s=soft_timeout,
                hard_s=timeout,
            )
        number = next(self._numbers)
        job = new(number=number, cancel=self.terminate_job, message=tuple(args), callbacks=told)
        self._post(self._admit, job)
        return job

    def _get_info(self) -> dict[str, Any]:
        return {
            **super()._get_info(),  # type: ignore[misc]  # missing in celery-types
            "in-flight": len(self._running),
            "waiting": len(self._waiting),
            "loop-lag-ms": round(self.watchdog.lag_s * 1000, 1),
        }

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nothing left to act on
            self.loop.call_soon_threadsafe(call, *args)

    def _stop(self, *, cold: bool) -> None:
        self._post(self._finish, cold)
        self._thread.join(COLD_STOP_S + 1 if cold else None)
        self.watchdog.stop()
        self._tracing.shutdown(wait=not cold)

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

    def _admit(self, job: Job) -> None:
        if not self._stopping:
            self._jobs[job.number] = job
            self._waiting.append(job)
            self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.limit:
            job = self._waiting.popleft()
            running = asyncio.create_task(
                job.run(partial(self.loop.run_in_executor, self._tracing))
            )
            self._running.add(running)
            running.add_done_callback(partial(self._release, job))

    def _release(self, job: Job, running: asyncio.Task[None]) -> None:
        if self._hub and len(self._jobs) >= self.limit:
            self._hub.call_soon(noop)  # it looks for a free slot only when something happens
        del self._jobs[job.number]
        self._running.discard(running)
        self._fill()
        if self._stopping and not self._running:
            self._idle.set()

    def _revoke(self, number: int) -> None:
        if number in self._jobs:
            self._jobs[number].revoke()

    def _finish(self, cold: bool) -> None:
        self._stopping = True
        log.info("draining %d tasks, returning %d", len(self._running), len(self._waiting))
        for job in self._waiting:
            del self._jobs[job.number]
        self._waiting.clear()
        if cold:
            for job in self._jobs.values():
                job.revoke()
            self.loop.call_later(COLD_STOP_S, self._idle.set)
        if not self._running:
            self._idle.set()
