"""What one worker process holds while it runs: its engine, its clients, and its leases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.db import DatabaseError

from broker import dispatch, fleet, health
from broker.base.errors import BrokerDown
from broker.base.times import RENEW_S, WORKER_BEAT_S
from broker.connect import AsyncBroker
from broker.scripts import Call
from web.engines.client.model import Model
from workers.attempt.relay import Relay
from workers.background import begin, every
from workers.database import Database
from workers.programs import Programs
from workers.results import ledger

PROGRESS_S = 1
RESULTS_S = 0.5
log = logging.getLogger(__name__)


class Runtime:
    """Made on the pool's loop when it starts. worker: unique name of this process."""

    def __init__(self, engine: str, worker: str, slots: int) -> None:
        self.engine, self.worker, self.slots = engine, worker, slots
        self.broker, self.database = AsyncBroker(), Database()
        self.relay = Relay(self.broker)
        self.programs = Programs()
        # Words wait for the relay anyway: read more often, they would only be more pieces.
        self.model = Model(self.relay.pause_s)
        self.held: dict[str, tuple[int, Callable[[], None]]] = {}
        self.retired = False
        self._chunks = 0
        self._background: list[asyncio.Task[None]] = []

    def start(self, died: Callable[[], None]) -> None:
        """died: as of background.begin."""
        loops = (
            self.relay.run(),
            every(WORKER_BEAT_S, self._beat, BrokerDown),
            every(RENEW_S, self._renew, BrokerDown),
            every(PROGRESS_S, self._progress, BrokerDown),
            every(RESULTS_S, self._write_results, BrokerDown),
        )
        ledger.open = True
        self._background = begin(loops, died)

    def retire(self) -> None:
        """No more hints, please: called when a shutdown begins, while the last ones still run."""
        self.retired = True
        self._background.append(asyncio.create_task(self._leave()))

    async def stop(self) -> None:
        """After the last hint."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._leave()
        await self._write_results()
        ledger.open = False
        await self.model.aclose()
        await self.broker.aclose()
        self.database.close()
        self.programs.close()

    def hold(self, hint: str, attempt: int, stop: Callable[[], None]) -> None:
        """From now on this lease is renewed; stop is called if it is lost."""
        self.held[hint] = (attempt, stop)

    async def settle(
        self,
        hint: str,
        attempt: int,
        service_s: float | None = None,
        last: Sequence[Call[Any]] = (),
        *,
        worked: bool = False,
    ) -> None:
        """Frees the slot for who has it next; with the broker down, its lease ends.

        service_s: as in dispatch.settle. last: sent before that, in the same round trip; without a
        broker watchers miss it, and learn the end from the row. worked: the engine gave an answer.
        """
        report = [health.worked(self.engine)] if worked else []
        settle = dispatch.settle(hint, self.engine, attempt, service_s)
        await self._let_go(hint, [*last, *report, settle])

    async def call_in(self, hint: str, attempt: int) -> None:
        """A bug ended the attempt: rescue has the hint next, or with the broker down, later."""
        await self._let_go(hint, [dispatch.broke(hint, self.engine, attempt)])

    async def _let_go(self, hint: str, calls: Sequence[Call[Any]]) -> None:
        self.held.pop(hint, None)
        try:
            await self.broker.run_many(calls)
        except BrokerDown as error:
            log.warning("hint %s: its lease will expire: %s", hint, error)

    async def pull_all(self) -> None:
        """Gives free slots of every engine to hints that wait."""
        engines = await self.broker.run(fleet.snapshot())
        await self.broker.run_many([dispatch.pull(engine) for engine in engines])

    async def _leave(self) -> None:
        try:
            await self.broker.run(fleet.leave(self.engine, self.worker))
        except BrokerDown as error:
            log.warning("not signed off: %s", error)

    async def _beat(self) -> None:
        if self.retired:
            return
        await self.broker.run(fleet.beat(self.engine, self.worker, self.slots))

    async def _renew(self) -> None:
        held = [(hint, attempt) for hint, (attempt, _) in self.held.items()]
        if not held:
            return
        for hint in await self.broker.run(dispatch.renew(self.engine, held)):
            _, stop = self.held.pop(hint, (0, lambda: None))
            log.warning("hint %s: lease lost", hint)
            stop()

    async def _progress(self) -> None:
        """The engine's sign of life, which the monitor goes by when its metrics stand still."""
        if self._chunks != self.model.chunks:
            self._chunks = self.model.chunks
            await self.broker.run(health.progress(self.engine))

    async def _write_results(self) -> None:
        try:
            if ledger.waiting:
                await self.database.run(ledger.write)
        except DatabaseError as error:
            log.warning("%d task results wait: %s", ledger.waiting, error)
