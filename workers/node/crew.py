"""The worker processes of one engine on this node: started, restarted with pauses, let go."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from broker import nodes
from broker.base.children import end_with_parent, exit_name
from broker.base.heartbeat import Pulse

QUICK_DEATH_S = 10.0
MOST_DOUBLINGS = 5
"""A process that dies young waits 1 s, 3 s, … at most 31 s from its start."""
READY_S = 5.0
"""A worker this old takes hints; those it replaces may go."""
LEAVE_S = 200.0
"""No hint runs longer than Celery's time limit, 180 s; a worker that is still there hangs."""
FRUGAL = {"MALLOC_ARENA_MAX": "1", "CELERY_SKIP_CHECKS": "1"}
"""Of a worker's environment. glibc gives each thread a heap that never shrinks, where under the GIL
one will do (mallopt(3)); Celery would run Django's checks, which load the pages and the admin."""
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Seat:
    """One worker process that should be there, and how often it has died young."""

    slots: int
    process: Process | None = None
    pulse: Pulse | None = None
    started_s: float = 0.0
    quick_deaths: int = 0
    not_before_s: float = 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def ready(self) -> bool:
        return self.alive() and monotonic() - self.started_s >= READY_S

    def died(self) -> str:
        """How, the first time this is asked after its death; then when it may be tried again."""
        if self.process is None or self.process.returncode is None:
            return ""
        young = monotonic() - self.started_s < QUICK_DEATH_S
        self.quick_deaths = self.quick_deaths + 1 if young else 0
        pause_s = 2.0 ** min(self.quick_deaths, MOST_DOUBLINGS) - 1
        self.not_before_s = self.started_s + pause_s
        hung = self.pulse is not None and self.pulse.hung
        how = nodes.HUNG if hung else exit_name(self.process.returncode)
        self.process = None
        return how


class Crew:
    """gpu: index of the only GPU its workers may see; None: they see what the node sees."""

    def __init__(self, engine: str, gpu: str | None = None) -> None:
        self.engine, self.gpu = engine, gpu
        self.seats: list[Seat] = []
        self.outdated: list[Seat] = []
        self.leaving: dict[asyncio.Task[None], Process] = {}
        self.started: list[Process] = []
        """All processes; the node takes out those whose end it has told the dispatcher of."""
        self.pulses: dict[Process, Pulse] = {}
        """Of those that may still run, also of the leaving."""
        self.wanted = self.slots = self.crashes = 0
        self.last_exit = ""

    async def fit(self, count: int, slots: int) -> None:
        """Starts what is missing, lets go what is too many; waits for nobody.

        Workers with other slots than these stay until those that replace them are ready.
        """
        self.wanted, self.slots = count, slots
        self.mourn()
        self.outdated += [seat for seat in self.seats if seat.slots != slots]
        self.seats = [seat for seat in self.seats if seat.slots == slots]
        self.seats.sort(key=Seat.alive, reverse=True)
        self.let_go(self.seats[count:])
        self.seats = self.seats[:count]
        self.seats += [Seat(slots) for _ in range(count - len(self.seats))]
        for seat in self.seats:
            if not seat.alive() and monotonic() >= seat.not_before_s:
                await self.start(seat)
        if all(seat.ready() for seat in self.seats):
            self.let_go(self.outdated)
            self.outdated = []

    def mourn(self) -> None:
        """Counts those that died without being told to."""
        for seat in (*self.seats, *self.outdated):
            how = seat.died()
            if how == exit_name(0):
                log.info("worker of %s was told to stop by somebody else", self.engine)
            elif how:
                self.crashes, self.last_exit = self.crashes + 1, how
                log.error("worker of %s died: %s", self.engine, how)
        self.outdated = [seat for seat in self.outdated if seat.alive()]

    async def start(self, seat: Seat) -> None:
        seat.started_s = monotonic()
        sight = {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}
        try:
            seat.pulse, seat.process = await self.born(self.command(seat.slots), sight)
        except OSError as error:  # no process or memory left
            self.crashes, self.last_exit = self.crashes + 1, error.strerror or str(error)
            seat.not_before_s = monotonic() + QUICK_DEATH_S
            log.error("worker of %s cannot be started: %s", self.engine, error)
            return
        self.started.append(seat.process)
        self.pulses[seat.process] = seat.pulse
        log.info("worker of %s started: pid %d", self.engine, seat.process.pid)

    async def born(self, command: list[str], sight: dict[str, str]) -> tuple[Pulse, Process]:
        """Raises: OSError."""
        pulse = Pulse()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=os.environ | FRUGAL | sight | pulse.environ,
                pass_fds=[pulse.fd],
                preexec_fn=end_with_parent(os.getpid()),
            )
        finally:
            pulse.started()
        return pulse, process

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-m", "workers", "worker", self.engine, "--slots", str(slots)]

    def end_hung(self) -> None:
        """Kills those whose loop has stood still for too long; to be called every BEAT_S."""
        for process, pulse in list(self.pulses.items()):
            if process.returncode is not None:
                del self.pulses[process]
            elif not pulse.hung and pulse.look():
                log.error("worker of %s, pid %d, hangs: killed", self.engine, process.pid)
                process.kill()

    def let_go(self, seats: Iterable[Seat]) -> None:
        """SIGTERM: they take no more hints, finish what they have, and end."""
        for seat in seats:
            if seat.process is not None and seat.process.returncode is None:
                seat.process.terminate()
                task = asyncio.create_task(self.see_off(seat.process))
                self.leaving[task] = seat.process
                task.add_done_callback(self.leaving.pop)

    async def see_off(self, process: Process) -> None:
        try:
            await asyncio.wait_for(process.wait(), LEAVE_S)
        except TimeoutError:
            log.error("worker of %s, pid %d, hangs: killed", self.engine, process.pid)
            process.kill()
            await process.wait()
        log.info("worker of %s, pid %d, left: %s", self.engine, process.pid, process.returncode)

    async def disband(self, within_s: float) -> None:
        """All go; who is not done in time is killed, and rescue takes over."""
        self.wanted = 0
        self.let_go((*self.seats, *self.outdated))
        self.seats, self.outdated = [], []
        if self.leaving:
            _, late = await asyncio.wait(self.leaving, timeout=within_s)
            for task in late:
                self.leaving[task].kill()
            await asyncio.gather(*late)

    def empty(self) -> bool:
        return not (self.seats or self.outdated or self.leaving)

    def ended(self) -> list[Process]:
        """Those of `started` that are no more, however they ended."""
        return [process for process in self.started if process.returncode is not None]

    def report(self) -> nodes.Crew:
        """For people: the node tells it with each heartbeat."""
        pauses = [seat.not_before_s - monotonic() for seat in self.seats if not seat.alive()]
        return nodes.Crew(
            engine=self.engine,
            wanted=self.wanted,
            slots=self.slots,
            live=sum(seat.alive() for seat in (*self.seats, *self.outdated)),
            leaving=len(self.leaving),
            crashes=self.crashes,
            last_exit=self.last_exit,
            retry_s=max(0.0, round(min(pauses), 1)) if pauses else None,
        )
