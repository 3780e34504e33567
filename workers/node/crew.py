"""The worker processes of one engine on this node: started, restarted after pauses, let go."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from time import monotonic

from broker.base.children import Child, Death, exit_name
from broker.base.output import ChildOutput
from broker.base.times import WORKER_LEAVES_S
from broker.nodes import CrewReport

READY_S = 5.0  # a worker this old takes hints, so those that it replaces may go
POLL_S = 0.05
SHOWN_LINES, SHOWN_CHARS = 12, 400
"""Of what a worker printed before it crashed: each heartbeat carries them."""
# Of a worker's environment. glibc gives each thread a heap that never shrinks, where under the GIL
# one will do (mallopt(3)).
FRUGAL = {"MALLOC_ARENA_MAX": "1"}
log = logging.getLogger(__name__)


class Crew:
    """gpu: index of the only GPU its workers may see; None: they see what the node sees."""

    def __init__(self, engine: str, gpu: str | None = None) -> None:
        self.engine = engine
        self.environ = FRUGAL if gpu is None else FRUGAL | {"CUDA_VISIBLE_DEVICES": gpu}
        self.workers: list[Child] = []
        """Those that should be there; one that died waits for its next life."""
        self.outdated: list[Child] = []
        self.leaving: list[Child] = []
        self.dead: list[int] = []
        """Pids of processes that ended, until the node has told the dispatcher."""
        self.wanted = self.slots = self.crashes = 0
        self.last_exit = self.last_lines = ""

    def fit(self, count: int, slots: int) -> None:
        """Starts what is missing, lets go what is too many; waits for nobody.

        Workers with other slots than these stay until those that replace them are ready.
        """
        self.look()
        if slots != self.slots:
            self.outdated += [worker for worker in self.workers if worker.process]
            self.workers = []
        self.wanted, self.slots = count, slots
        # Those that wait for their next life stand last, and are the first that may go.
        self.workers.sort(key=Child.alive, reverse=True)
        self.let_go(self.workers[count:])
        self.workers = self.workers[:count]
        while len(self.workers) < count:
            name = f"worker of {self.engine}"
            output = ChildOutput(None)
            self.workers.append(Child(name, self.command(slots), self.environ, output=output))
        for worker in self.workers:
            self.revive(worker)
        if all(each.alive() and monotonic() - each.started_s >= READY_S for each in self.workers):
            self.let_go(self.outdated)
            self.outdated = []

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-m", "workers", "worker", self.engine, "--slots", str(slots)]

    def revive(self, worker: Child) -> None:
        before = worker.process
        if death := worker.revive():
            self.count(worker, death)
        elif worker.process is not None and worker.process is not before:
            log.info("%s started: pid %d", worker.name, worker.process.pid)

    def look(self) -> None:
        """Kills who hangs, and notes who has ended; to be called every PULSE_S."""
        for worker in (*self.workers, *self.outdated, *self.leaving):
            if death := worker.look():
                self.dead.append(death.pid)
                self.count(worker, death)
        self.outdated = [worker for worker in self.outdated if worker.process]
        self.leaving = [worker for worker in self.leaving if worker.process]

    def count(self, worker: Child, death: Death) -> None:
        who = f"{worker.name}, pid {death.pid}," if death.pid else worker.name
        if worker in self.leaving:
            log.info("%s left: %s", who, death.how)
        elif death.how == exit_name(0):
            log.info("%s was told to stop by somebody else", who)
        else:
            self.crashes, self.last_exit = self.crashes + 1, death.how
            # The node's loop waits meanwhile, and a program of a student may still hold the pipe.
            lines = worker.last_lines(within_s=POLL_S)[-SHOWN_LINES:]
            self.last_lines = "\n".join(line[:SHOWN_CHARS] for line in lines)
            log.error("%s %s", who, death.text)

    def let_go(self, workers: Iterable[Child]) -> None:
        """SIGTERM: they take no more hints, finish what they have, and end."""
        for worker in workers:
            if worker.process:
                worker.end(WORKER_LEAVES_S)
                self.leaving.append(worker)

    async def disband(self, within_s: float) -> None:
        """All go; who is not done in time is killed, and rescue takes over."""
        self.wanted = 0
        self.let_go((*self.workers, *self.outdated))
        self.workers, self.outdated = [], []
        for worker in self.leaving:
            worker.end_by_s = min(worker.end_by_s, monotonic() + within_s)
        while not self.empty():
            self.look()
            await asyncio.sleep(POLL_S)

    def empty(self) -> bool:
        return not (self.workers or self.outdated or self.leaving)

    def report(self) -> CrewReport:
        """For people: the node tells it with each heartbeat."""
        pauses = [each.not_before_s - monotonic() for each in self.workers if not each.alive()]
        return CrewReport(
            engine=self.engine,
            wanted=self.wanted,
            slots=self.slots,
            live=sum(worker.alive() for worker in (*self.workers, *self.outdated)),
            leaving=len(self.leaving),
            crashes=self.crashes,
            last_exit=self.last_exit,
            last_lines=self.last_lines,
            retry_s=max(0.0, round(min(pauses), 1)) if pauses else None,
        )
