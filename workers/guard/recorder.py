"""Keeps what the fleet does, a row a minute, for its charts; whoever leads the monitor does it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from broker.contract.hint import Lane
from broker.dispatch import LaneBacklog
from broker.fleet import Load
from broker.health import Health
from web.fleet import minutes
from web.fleet.minutes import EngineSample, FleetSample
from workers.database import Database

MINUTE_MS = 60_000
SETTLED_MS = 5_000
"""After a minute: what was written in it has been committed by then."""
NOTHING = Health()


class Recorder:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._minute: int | None = None
        """Since 1970, by the clock of Redis, which all nodes share."""
        self._samples: list[FleetSample] = []
        self._due: deque[Callable[[], object]] = deque()
        """What writes minutes that are over, one a second."""
        self._lost = False
        """Whether one could not be written; it is looked for again."""

    async def note(
        self,
        now_ms: int,
        loads: Mapping[str, Load],
        states: Mapping[str, Health],
        backlog: Mapping[Lane, LaneBacklog],
        waiting_ahead: int,
    ) -> None:
        """Once a second; soon after a minute it is written. Raises: DatabaseError."""
        minute = now_ms // MINUTE_MS
        if minute != self._minute:
            if self._minute != minute - 1 or self._lost:
                # Another node has led since, or none: what nobody wrote is still in the rows.
                self._due.append(self._find_missed)
            if self._minute is not None:
                self._due.append(partial(minutes.keep, self._minute, self._samples))
            self._minute, self._samples, self._lost = minute, [], False
        self._samples.append(sample(loads, states, backlog, waiting_ahead))
        if self._due and now_ms % MINUTE_MS >= SETTLED_MS:
            self._lost = True
            await self._database.run(self._due.popleft())
            self._lost = False

    def _find_missed(self) -> None:
        assert self._minute is not None, "no minute has begun"
        self._due.extend(partial(minutes.keep, each) for each in minutes.missed(self._minute))


def sample(
    loads: Mapping[str, Load],
    states: Mapping[str, Health],
    backlog: Mapping[Lane, LaneBacklog],
    waiting_ahead: int,
) -> FleetSample:
    engines = {}
    for name, load in loads.items():
        reading = states.get(name, NOTHING).reading
        cached = reading.cached_ratio if reading else None
        engines[name] = EngineSample(load.hints, load.limit, cached)
    waiting = sum(one.size for one in backlog.values()) - waiting_ahead
    # Nobody waits for what is in the batch lane.
    oldest_s = max((one.oldest_s for lane, one in backlog.items() if lane is not Lane.BATCH))
    return FleetSample(waiting, oldest_s, engines)
