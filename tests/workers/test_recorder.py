"""When a minute of the fleet is written: once, as soon as it is over, by the clock of Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from broker.contract.hint import Lane
from broker.dispatch import LaneBacklog
from broker.fleet import Load
from broker.health import Health, Reading
from web.fleet import minutes
from web.fleet.minutes import EngineSample, FleetSample
from workers.guard.recorder import Recorder

LOADS = {"gpu0": Load(slots=8, max_slots=8, in_flight=5, workers={"w": 8}, limit=6, ahead=2)}
STATES = {"gpu0": Health(reading=Reading(cached_ratio=0.5))}
BACKLOG = {Lane.INTERACTIVE: LaneBacklog(3, 1.5), Lane.BATCH: LaneBacklog(2, 40.0)}


class Direct:
    """Runs what is asked for, at once."""

    async def run(self, function: Any, *args: Any) -> None:
        function(*args)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Sequence[FleetSample]]]:
    found: list[tuple[int, Sequence[FleetSample]]] = []
    monkeypatch.setattr(minutes, "keep", lambda number, samples: found.append((number, samples)))
    return found


async def test_a_minute_is_written_when_the_next_one_begins(
    written: list[tuple[int, Sequence[FleetSample]]],
) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]
    for second in (58, 59, 60, 64, 65, 66, 119, 120, 130):
        await recorder.note(1000 * second, LOADS, STATES, BACKLOG)

    numbers = [(number, len(samples)) for number, samples in written]
    # Of the first one it may have seen nothing: another node has led till then.
    assert numbers == [(-1, 0), (0, 2), (1, 5)]


async def test_a_moment_has_what_students_wait_for(
    written: list[tuple[int, Sequence[FleetSample]]],
) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]
    for second in (59, 60, 65):
        await recorder.note(1000 * second, LOADS, STATES, BACKLOG)

    (sample,) = written[-1][1]
    assert sample == FleetSample(5, 40.0, {"gpu0": EngineSample(3, 6, 1, 0.5)})
