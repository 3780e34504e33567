"""One worker process: Celery, our pool, and the runtime of one engine."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from celery import signals

from broker.base.heartbeat import beat_from
from broker.base.settings import need
from broker.fleet import worker_name
from broker.queue import queue_name
from workers import tasks
from workers.app import app
from workers.pool.pool import lifespan
from workers.runtime import Runtime

M_ARENA_MAX = -8


def run_worker(engine: str, slots: int) -> None:
    """Serves until it is told to stop: SIGTERM finishes what runs, SIGQUIT gives it back."""
    one_heap()
    name = worker_name(engine, os.getpid())

    @lifespan
    @asynccontextmanager
    async def runtime() -> AsyncIterator[None]:
        tasks.runtime = Runtime(engine, name, slots)
        loop = asyncio.get_running_loop()
        beat_from(loop)

        def retire(**_: Any) -> None:
            loop.call_soon_threadsafe(current.retire)

        current = tasks.runtime
        # Celery's warm shutdown; the node starts another worker.
        current.start(died=lambda: os.kill(os.getpid(), signal.SIGTERM))
        signals.worker_shutting_down.connect(retire, weak=False)
        # What is loaded now stays: to look through it for garbage stops all streams for 0.1 s.
        gc.freeze()
        try:
            yield
        finally:
            await current.stop()

    queue, concurrency = ["--queues", queue_name(engine)], ["--concurrency", str(slots)]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", need("HINTLINE_LOG_LEVEL", str)]
    app.worker_main(["--quiet", "worker", "--hostname", name, *queue, *concurrency, *quiet])


def one_heap() -> None:
    """glibc gives each thread a heap that never shrinks; under the GIL one will do (mallopt(3))."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_ARENA_MAX, 1)
