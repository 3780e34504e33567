"""The supervisor of one machine's worker processes: keeps what the database says it should run."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from uuid import uuid4

from django.db import DatabaseError

from broker import fleet, nodes
from broker.base.errors import BadSetting, BrokerDown, HintlineError
from broker.base.heartbeat import beat_from
from broker.base.settings import read
from broker.base.times import DRAIN_S, NODE_BEAT_S, NODE_STOP_S, PULSE_S, TICK_S
from broker.connect import AsyncBroker
from broker.nodes import NodeState
from web.engines import roster
from web.engines.roster import Wanted
from workers.background import begin, every
from workers.database import Database
from workers.guard.evaluating import Evaluating
from workers.guard.monitor import Monitor
from workers.guard.rescue import Rescue
from workers.guard.upkeep import Upkeep
from workers.node.crew import Crew
from workers.node.exposition import Exposition
from workers.node.plan import plan

LOOK_S = 2.0
UPKEEP_S = 3600
AWAY = (BrokerDown, DatabaseError)
"""What the loops outlive: they go on once it is back."""
log = logging.getLogger(__name__)


class NameTaken(HintlineError):
    """Another live node has this node's name."""

    def __init__(self, name: str) -> None:
        text = f"another live node is called {name!r}: give this one its own HINTLINE_NODE"
        super().__init__(text)


def name_of_node() -> str:
    """Raises: BadSetting."""
    name = read("HINTLINE_NODE", str) or socket.gethostname()
    if not re.fullmatch(r"[\w.-]{1,64}", name):
        raise BadSetting(f"HINTLINE_NODE={name!r}: use 1 to 64 letters, digits, '.', '-' or '_'")
    return name


class Node:
    """gpus: engine to the index of its GPU; it serves no other engine. Empty: it serves all."""

    def __init__(self, gpus: Mapping[str, str]) -> None:
        self.name, self.token, self.gpus = name_of_node(), uuid4().hex, gpus
        self.engines = frozenset(gpus) or None  # None for every engine, as in NodeState
        self.broker, self.database = AsyncBroker(), Database()
        self.upkeep = Upkeep(self.broker)
        self.evaluating = Evaluating(self.broker)
        self.crews: dict[str, Crew] = {}
        self.wanted: dict[str, Wanted] = {}
        self.others: dict[str, NodeState] = {}
        self.drains: dict[str, float] = {}
        self.failure: HintlineError | None = None
        """Why it stops, if nobody told it to."""
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Until it is told to stop.

        Raises: NameTaken, at the start or when it lost its name; HintlineError after a bug.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        beat_from(loop)
        try:
            async with Exposition(self.broker):
                await self.take_name()
                await self.work()
        finally:
            await self.broker.aclose()
            self.database.close()
            self.upkeep.close()
            await self.evaluating.close()
        if self.failure:
            raise self.failure

    async def work(self) -> None:
        rescue = Rescue(self.broker, self.database)
        monitor = Monitor(self.broker, self.database)
        loops = (
            every(TICK_S, rescue.tick, *AWAY),
            every(TICK_S, monitor.lead, *AWAY),
            every(UPKEEP_S, self.upkeep.once, *AWAY),
            every(TICK_S, self.evaluating.once, *AWAY),
            every(NODE_BEAT_S, self.keep_name, BrokerDown),
            every(PULSE_S, self.watch),
        )
        died = HintlineError("a background loop died: see the log")
        background = begin(loops, lambda: self.give_up(died))
        while not self.stopping.is_set():
            await self.look()
            await self.wait(LOOK_S)
        self.evaluating.hurry()
        await asyncio.gather(*(crew.disband(NODE_STOP_S) for crew in self.crews.values()))
        await self.tell_of_the_dead()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        try:
            await self.broker.run(nodes.leave(self.name, self.token))
        except BrokerDown as error:
            log.warning("not signed off: %s", error)

    def give_up(self, failure: HintlineError) -> None:
        self.failure = failure
        self.stopping.set()

    async def take_name(self) -> None:
        """Waits for a predecessor that died without a word, and for Redis. Raises: NameTaken."""
        heard: int | None = None
        while not self.stopping.is_set():
            try:
                beats = await self.beat()
            except BrokerDown as error:
                log.warning("the node waits: %s", error)
            else:
                if beats is None:
                    return
                if heard is not None and beats > heard:
                    raise NameTaken(self.name)
                heard = beats
            # Oftener than it beats, so that the name of a dead one is taken soon after it lapses.
            await self.wait(NODE_BEAT_S / 4)

    async def beat(self) -> int | None:
        """Tells that it lives, and hears of the others. None, or beats as in nodes.beat."""
        # Others take over at once what a node that stops has served.
        engines = frozenset[str]() if self.stopping.is_set() else self.engines
        crews = tuple(self.crews[engine].report() for engine in sorted(self.crews))
        told = nodes.beat(self.name, self.token, NodeState(engines, crews))
        answer: int | None
        answer, self.others = await self.broker.run_many([told, nodes.live()])
        return answer

    async def keep_name(self) -> None:
        if await self.beat() is not None and not self.failure:
            self.give_up(NameTaken(self.name))
            log.error("%s", self.failure)

    async def look(self) -> None:
        """One round; without the database what was wanted last is kept going."""
        try:
            self.wanted = await self.database.run(roster.wanted)
        except DatabaseError as error:
            log.warning("cannot read the engines: %s", error)
        fleet_now = {**self.others, self.name: NodeState(self.engines)}
        mine = plan(self.name, fleet_now, self.wanted)
        for engine in mine:
            self.crews.setdefault(engine, Crew(engine, self.gpus.get(engine)))
        emptied = await self.emptied({name for name, want in mine.items() if want.draining})
        for engine, crew in self.crews.items():
            # An engine that is no longer ours has a crew until its last worker is done.
            want = mine.get(engine, Wanted(0, crew.slots))
            if engine in emptied:
                crew.fit(0, want.slots)
            elif not want.draining:
                crew.fit(want.workers, want.slots)
        await self.tell_of_the_dead()
        self.crews = {e: crew for e, crew in self.crews.items() if e in mine or not crew.empty()}

    async def tell_of_the_dead(self) -> None:
        """The hints of workers that died go on at once; without Redis, when their leases end."""
        for engine, crew in self.crews.items():
            for pid in list(crew.dead):
                died = fleet.worker_died(engine, fleet.worker_name(engine, pid))
                try:
                    hints = await self.broker.run(died)
                except BrokerDown as error:
                    log.warning("not told that pid %d ended: %s", pid, error)
                    return  # the next round tries again
                crew.dead.remove(pid)
                if hints:
                    log.warning("pid %d left hints behind: %s", pid, ", ".join(hints))

    async def watch(self) -> None:
        """Apart from look, which waits for the database and for Redis."""
        for crew in self.crews.values():
            crew.look()

    async def emptied(self, draining: set[str]) -> set[str]:
        """Those of the draining engines that have nothing in flight, or had long enough."""
        self.drains = {engine: self.drains.get(engine, monotonic()) for engine in draining}
        late = {name for name, since_s in self.drains.items() if monotonic() - since_s >= DRAIN_S}
        if not draining - late:
            return late
        try:
            loads = await self.broker.run(fleet.snapshot())
        except BrokerDown:
            return late
        # One that may still get hints is busy too: the dispatcher learns a second late of a drain.
        busy = {name for name, load in loads.items() if load.max_slots or load.in_flight}
        return late | draining - busy

    async def wait(self, period_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), period_s)
