"""Makes good what was lost: leases that ran out, admissions that failed, a Redis that was wiped.

Every node runs it, and no worker: none outlives its node. A lock lets one at a time through.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from django.conf import settings

from broker import dispatch, fleet, keys, streams
from broker.base.times import ADOPT_S, OUTAGE_S, SENDING_S, STRANDED_S, UNKNOWN_S
from broker.connect import AsyncBroker
from broker.contract import events
from broker.contract.hint import Reason, State
from broker.contract.job import JobKind, kind_of
from broker.dispatch import LOST_THRESHOLD, Expired
from web.engines import roster
from web.hints import ahead as rows_ahead
from web.hints import lookup, store
from workers import metrics
from workers.attempt.mishap import passes, where
from workers.database import Database
from workers.guard import ahead

TRIED = 1000
"""Of the hints that wait for another attempt so many are looked at in a round."""
log = logging.getLogger(__name__)


class Rescue:
    def __init__(self, broker: AsyncBroker, database: Database) -> None:
        self._broker, self._database = broker, database
        self._engines: set[str] = set()
        self._live: set[str] = set()
        """Those of the engines that take hints, when last looked at."""
        self._lit_at = monotonic()
        self._stranded_at: dict[str, float] = {}

    async def tick(self) -> None:
        """Makes good what is lost, if there may be anything and nobody else is at it.

        Raises: BrokerDown, DatabaseError.
        """
        if not await self.look():
            return
        async with self._broker.lock(keys.RESCUE) as ours:
            if ours:
                await self.make_good()

    async def look(self) -> bool:
        """Whether a hint is in flight or a lease is over. Tells the dispatcher the engines.

        Every node does this each second, without the lock: all that it asks for may be done twice.
        """
        engines, tiers, some = await self._database.run(seen)
        asked = fleet.set_engines(engines, tiers), dispatch.expired(), fleet.snapshot()
        # A slot that became free without a settle, by a new worker for instance, is filled here.
        pulls = [dispatch.pull(engine) for engine in engines]
        _, late, loads, *_ = await self._broker.run_many([*asked, *pulls])
        self._engines = set(engines)
        self._live = {engine for engine in engines if engine in loads and loads[engine].alive}
        if self._live:
            self._lit_at = monotonic()
        return some or bool(late)

    async def make_good(self) -> None:
        for lease in await self._broker.run(dispatch.expired()):
            await self.alone(lease.hint, self.recover(lease))
        await ahead.tend(self._broker, self._database)
        await self.adopt()
        await self.expire()
        await self.end_stranded()
        await self._broker.run_many([dispatch.pull(engine) for engine in self._engines])

    async def alone(self, hint: str, step: Coroutine[Any, Any, None]) -> None:
        """Takes the step; a hint that nothing can be done about holds up no other one."""
        try:
            await step
        except Exception as error:
            if passes(error):
                raise
            log.error("hint %s: cannot be rescued: %s", hint, where(error))

    async def recover(self, lease: Expired) -> None:
        """The row goes back first: no zombie can finish it once the next attempt is possible."""
        hint, attempt = lease.hint, lease.attempt
        if kind_of(hint) is JobKind.DIAGNOSIS:
            await ahead.recover(self._broker, self._database, lease)
            return
        await self._database.run(store.requeue, hint, attempt)
        if await self._database.run(lookup.state_of, hint) is not State.QUEUED:
            if await self._database.run(lookup.just_finished, hint, SENDING_S):
                return  # its engine is down, not its worker, who has the last words in hand
            # Its writer could not send the final event.
            ended = await self._database.run(lookup.ended_as, hint)
            if ended is not None:
                await self._broker.run(streams.close(hint, 0, events.done(*ended)))
            await self._broker.run(dispatch.forget(hint))
            return
        metrics.LEASE_EXPIRED.inc()
        log.warning("hint %s: attempt %d lost on %s (%s)", hint, attempt, lease.engine, lease.phase)
        if lease.lost < LOST_THRESHOLD:
            await self._broker.run(dispatch.requeue_lost(hint, attempt))
        else:
            await self.give_up(hint, Reason.WORKER_LOST)

    async def adopt(self) -> None:
        """Hints of the database that the dispatcher does not know are admitted again."""
        hints = await self._database.run(lookup.in_flight_ids, UNKNOWN_S)
        known = await self._broker.run(dispatch.known(hints)) if hints else set()
        unknown = [hint for hint in hints if hint not in known]
        if not unknown:
            return
        epoch = await self._broker.run(dispatch.epoch())
        # Soon after a wipe the live workers have not all reported yet: leave what runs alone.
        settled = epoch.now_ms - epoch.since_ms > ADOPT_S * 1000
        for hint in unknown:
            await self.alone(hint, self.readmit(hint, ADOPT_S if settled else None, epoch.now_ms))

    async def readmit(self, hint: str, silent_s: float | None, now_ms: int) -> None:
        ticket = await self._database.run(store.requeue_unknown, hint, silent_s, now_ms)
        if ticket is not None:
            # A zombie of the attempt that Redis forgot may write no more.
            await self._broker.run(dispatch.requeue_lost(hint, ticket.attempt))
            log.warning("hint %s: unknown to the dispatcher, admitted again", hint)
            await self._broker.run(dispatch.admit(ticket))

    async def expire(self) -> None:
        """Ends what has waited too long, and everything that waits when there is no engine."""
        gone = not self._engines or monotonic() - self._lit_at >= OUTAGE_S
        reason = Reason.MODEL_UNAVAILABLE if gone else Reason.EXPIRED
        ttl_s = UNKNOWN_S if gone else settings.HINT_TTL_S
        for hint in await self._database.run(lookup.due_to_expire, ttl_s):
            await self.alone(hint, self.give_up(hint, reason))

    async def end_stranded(self) -> None:
        """Ends hints that failed on every engine they could go to; their time to live is longer."""
        tried = await self._database.run(lookup.tried_before, TRIED)
        excluded = await self._broker.run(dispatch.excluded(tried)) if tried else {}
        now_s = monotonic()
        # With no engine alive at all they wait like every other hint.
        self._stranded_at = {
            hint: self._stranded_at.get(hint, now_s)
            for hint, failed in excluded.items()
            if self._live <= failed and (self._live or self._engines <= failed)
        }
        for hint, since_s in self._stranded_at.items():
            if now_s - since_s >= STRANDED_S or self._engines <= excluded[hint]:
                await self.alone(hint, self.give_up(hint, Reason.MODEL_UNAVAILABLE))

    async def give_up(self, hint: str, reason: Reason) -> None:
        if await self._database.run(store.expire, hint, reason):
            log.warning("hint %s ended without a model: %s", hint, reason)
            await self._broker.run(streams.close(hint, 0, events.done(State.FAILED, reason)))
        await self._broker.run(dispatch.forget(hint))


def seen() -> tuple[dict[str, int], dict[str, int], bool]:
    """Slots of each engine that may get hints; their tiers; whether a hint or a diagnosis is in
    flight.
    """
    some = lookup.any_in_flight() or rows_ahead.any_in_flight()
    return *roster.dispatched(), some
