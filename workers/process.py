"""One worker process: Celery, our pool, and the runtime of one engine."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
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

GARBAGE = (20_000, 50, 100)
"""gc.set_threshold: with Python's own, 700 10 10, the search takes 7 % of a busy worker's CPU. It
need not be often: an attempt that is over leaves nothing to be found."""


def run_worker(engine: str, slots: int) -> None:
    """Serves until it is told to stop: SIGTERM finishes what runs, SIGQUIT gives it back."""
    name = worker_name(engine, os.getpid())

    @lifespan
    @asynccontextmanager
    async def runtime() -> AsyncIterator[None]:
        tasks.runtime = Runtime(engine, name, slots)
        loop = asyncio.get_running_loop()
        beat_from(loop)

        def retire(**_: Any) -> None:
            # Celery tells it from its own thread, not from the loop's.
            loop.call_soon_threadsafe(current.retire)

        current = tasks.runtime
        # Celery's warm shutdown; the node starts another worker.
        current.start(died=lambda: os.kill(os.getpid(), signal.SIGTERM))
        signals.worker_shutting_down.connect(retire, weak=False)
        # What is loaded now stays: to look through it for garbage stops all streams for 0.1 s.
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        try:
            yield
        finally:
            await current.stop()

    # Not by Celery's command line, which would load 10 MB of its own for other commands.
    worker = app.Worker(
        hostname=name,
        queues=queue_name(engine),
        concurrency=slots,
        loglevel=need("HINTLINE_LOG_LEVEL", str),
        quiet=True,
        # Workers have nothing to tell each other: what they share is in the dispatcher.
        without_gossip=True,
        without_mingle=True,
        # Nobody listens, and each costs an idle worker as much as all its other work.
        without_heartbeat=not need("HINTLINE_TASK_EVENTS", bool),
    )
    worker.start()
    sys.exit(worker.exitcode)
