"""The supervisor of one machine's worker processes: one for each engine that may get hints."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from time import monotonic

from django.db import DatabaseError

from broker import queue
from broker.children import end_with_parent
from broker.connect import AsyncBroker
from broker.dispatch import Grant
from web.engines import roster
from workers.database import Database
from workers.rescue import Rescue

LOOK_S = 2.0
STOP_S = 30.0
"""Warm shutdown waits for running hints; past this the worker is killed and rescue takes over."""
QUICK_DEATH_S = 10.0
MOST_PAUSE_S = 30.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """One worker process and how often it has died young."""

    engine: str
    slots: int
    process: asyncio.subprocess.Process | None = None
    started_s: float = 0.0
    quick_deaths: int = 0
    not_before_s: float = 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None


class Node:
    """Keeps the processes what the database says they should be, until it is told to stop."""

    def __init__(self) -> None:
        self.broker, self.database = AsyncBroker(), Database()
        self.workers: dict[str, Worker] = {}
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        rescue = asyncio.create_task(Rescue(self.broker, self.database, self.publish).run())
        while not self.stopping.is_set():
            try:
                await self.reconcile(await self.database.run(roster.active))
            except DatabaseError as error:
                log.warning("cannot read the engines: %s", error)
            await self.wait(LOOK_S)
        rescue.cancel()
        await self.reconcile({})
        await self.broker.aclose()
        self.database.close()

    async def reconcile(self, wanted: dict[str, int]) -> None:
        """Starts what is missing or died, stops what is not wanted or has other slots."""
        leaving = [w for w in self.workers.values() if wanted.get(w.engine) != w.slots]
        await asyncio.gather(*(self.stop(worker) for worker in leaving))
        for engine, slots in wanted.items():
            worker = self.workers.setdefault(engine, Worker(engine, slots))
            if not worker.alive():
                await self.start(worker)

    async def start(self, worker: Worker) -> None:
        """A process that dies young waits twice as long each time, at most 30 s."""
        now_s = monotonic()
        if worker.process is not None and worker.started_s:
            young = now_s - worker.started_s < QUICK_DEATH_S
            worker.quick_deaths = worker.quick_deaths + 1 if young else 0
            pause_s = min(MOST_PAUSE_S, 2.0**worker.quick_deaths - 1)
            worker.not_before_s = worker.started_s + pause_s
            log.error("worker %s died: exit %s", worker.engine, worker.process.returncode)
            worker.process = None
        if now_s < worker.not_before_s:
            return
        worker.started_s = now_s
        worker.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers", "worker", worker.engine, "--slots", str(worker.slots),
            preexec_fn=end_with_parent(os.getpid()),
        )  # fmt: skip
        log.info("worker %s started: pid %d", worker.engine, worker.process.pid)

    async def stop(self, worker: Worker) -> None:
        """Warm first: what it generates is finished."""
        del self.workers[worker.engine]
        process = worker.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        log.info("worker %s stopped", worker.engine)

    async def wait(self, period_s: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), period_s)
        except TimeoutError:
            return

    async def publish(self, grants: list[Grant]) -> None:
        if grants:
            await asyncio.to_thread(queue.ring, grants)
