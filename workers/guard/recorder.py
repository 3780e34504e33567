"""Keeps what the fleet does, a row a minute, for its charts; whoever leads the monitor does it."""

from __future__ import annotations

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
        self._over: Callable[[], None] | None = None
        """Writes the minute that is over."""

    async def note(
        self,
        now_ms: int,
        loads: Mapping[str, Load],
        states: Mapping[str, Health],
        backlog: Mapping[Lane, LaneBacklog],
    ) -> None:
        """Once a second; soon after a minute it is written. Raises: DatabaseError."""
        minute = now_ms // MINUTE_MS
        if minute != self._minute:
            # Who begins to lead has seen nothing of the last minute, but its rows are there.
            self._over = partial(minutes.keep, minute - 1, self._samples)
            self._minute, self._samples = minute, []
        self._samples.append(sample(loads, states, backlog))
        if self._over and now_ms % MINUTE_MS >= SETTLED_MS:
            over, self._over = self._over, None
            await self._database.run(over)


def sample(
    loads: Mapping[str, Load],
    states: Mapping[str, Health],
    backlog: Mapping[Lane, LaneBacklog],
) -> FleetSample:
    engines = {}
    for name, load in loads.items():
        reading = states.get(name, NOTHING).reading
        cached = reading.cached_ratio if reading else None
        engines[name] = EngineSample(load.hints, load.limit, len(load.workers), cached)
    waiting = sum(lane.size for lane in backlog.values())
    return FleetSample(
        waiting, max((lane.oldest_s for lane in backlog.values()), default=0.0), engines
    )
