"""When a minute of the fleet is written: once, as soon as it is over, by the clock of Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DatabaseError

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


Written = list[tuple[int, Sequence[FleetSample]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """The minutes, with the samples of each; none has been written before, but in a gap."""
    found: Written = []

    def keep(number: int, samples: Sequence[FleetSample] = ()) -> None:
        if number not in dict(found):
            found.append((number, samples))

    def missed(number: int) -> list[int]:
        last = found[-1][0] if found else -1
        return list(range(last + 1, number))

    monkeypatch.setattr(minutes, "keep", keep)
    monkeypatch.setattr(minutes, "missed", missed)
    return found


async def seen(recorder: Recorder, *seconds: int) -> None:
    for second in seconds:
        await recorder.note(1000 * second, LOADS, STATES, BACKLOG, 1)


async def test_a_minute_is_written_soon_after_it_is_over(written: Written) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]

    await seen(recorder, 58, 59, 60, 64)
    assert written == []
    await seen(recorder, 65, 66, 119, 120, 130)

    assert [(number, len(samples)) for number, samples in written] == [(0, 2), (1, 5)]


async def test_who_leads_again_writes_its_own_minute_and_those_of_nobody(written: Written) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]
    await seen(recorder, 30, 60, 65, 66)

    await seen(recorder, 240, 245, 246, 247, 248, 249)

    assert [(number, len(samples)) for number, samples in written] == [
        (0, 1), (1, 3), (2, 0), (3, 0),
    ]  # fmt: skip


async def test_a_minute_that_the_database_refused_is_looked_for_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]
    await seen(recorder, 30, 36)
    kept = minutes.keep
    monkeypatch.setattr(minutes, "keep", refused)
    await seen(recorder, 60)
    with pytest.raises(DatabaseError):
        await seen(recorder, 65)
    monkeypatch.setattr(minutes, "keep", kept)

    await seen(recorder, 66, 120, 125, 126, 127)

    assert sorted(number for number, _ in written) == [0, 1]


def refused(number: int, samples: Sequence[FleetSample] = ()) -> None:
    raise DatabaseError("the disk is full")


async def test_a_moment_has_what_students_wait_for(written: Written) -> None:
    recorder = Recorder(Direct())  # type: ignore[arg-type]
    await seen(recorder, 59, 60, 65)

    (sample,) = written[-1][1]
    # Of the backlog one is a diagnosis that runs ahead; nobody waits for the batch lane.
    assert sample == FleetSample(4, 1.5, {"gpu0": EngineSample(3, 6, 0.5)})
