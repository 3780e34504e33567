"""The worker processes of one engine: how many run, how they go, and what is told of crashes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from broker.base import children, heartbeat
from broker.base.children import HUNG, Child
from workers.node import crew as crews
from workers.node.crew import Crew

WORKER = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def told(*_):
    (folder / f"{os.getpid()}.told").touch()
    while not (folder / "finish").exists():
        time.sleep(0.01)
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
sees, heaps = os.environ.get("CUDA_VISIBLE_DEVICES", "all"), os.environ.get("MALLOC_ARENA_MAX")
(folder / f"{os.getpid()}.up").write_text(f"{sees} {heaps}")
while True:
    time.sleep(0.05)
"""
"""Notes that it is up; told to stop, it goes on until the file `finish` is there."""


class Clock:
    """The crew's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        for module in (crews, children):
            monkeypatch.setattr(module, "monotonic", lambda: self.now_s)


class Small(Crew):
    """A crew of small processes."""

    folder: Path
    script, program = WORKER, sys.executable

    def command(self, slots: int) -> list[str]:
        return [self.program, "-c", self.script, str(self.folder)]

    def up(self) -> set[int]:
        return {int(path.stem) for path in self.folder.glob("*.up") if path.read_text()}

    def told(self) -> set[int]:
        return {int(path.stem) for path in self.folder.glob("*.told")}

    def pids(self) -> set[int]:
        return {worker.process.pid for worker in self.workers if worker.process}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest_asyncio.fixture
async def crew(tmp_path: Path, clock: Clock) -> AsyncIterator[Small]:
    crew = Small("gpu0")
    crew.folder = tmp_path
    yield crew
    await crew.disband(0)


async def until(question: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not question():  # noqa: ASYNC110  # it waits for other processes
            await asyncio.sleep(0.02)


async def staffed(crew: Small, count: int, slots: int = 8) -> set[int]:
    """The pids, once all are up."""
    crew.fit(count, slots)
    await until(lambda: crew.up() >= crew.pids())
    return crew.pids()


async def dead(crew: Small) -> None:
    """All that should be there have ended."""
    await until(lambda: not any(map(Child.alive, crew.workers)))


async def test_as_many_run_as_are_wanted(crew: Small) -> None:
    first = await staffed(crew, 1)
    assert await staffed(crew, 3) > first

    told = crew.report()
    assert (told.wanted, told.live, told.slots, told.crashes) == (3, 3, 8, 0)


async def test_nobody_waits_for_one_that_finishes_its_hints(crew: Small) -> None:
    before = await staffed(crew, 3)

    crew.fit(1, 8)

    kept = crew.pids()
    assert kept < before
    await until(lambda: crew.told() == before - kept)
    told = crew.report()
    assert (told.live, told.leaving) == (1, 2)
    (crew.folder / "finish").touch()
    await until(lambda: crew.look() or crew.report().leaving == 0)
    crew.fit(1, 8)
    assert (crew.pids(), crew.report().crashes) == (kept, 0)


async def test_a_killed_one_comes_back_and_is_counted(crew: Small, clock: Clock) -> None:
    before = await staffed(crew, 2)
    clock.now_s += 60
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    await until(lambda: not all(map(Child.alive, crew.workers)))

    after = await staffed(crew, 2)

    assert after > before - {victim}
    told = crew.report()
    assert (told.live, told.crashes, told.last_exit, told.retry_s) == (2, 1, "SIGKILL", None)


async def test_one_that_was_stopped_by_hand_comes_back_and_is_no_crash(
    crew: Small, clock: Clock
) -> None:
    before = await staffed(crew, 1)
    clock.now_s += 60
    (crew.folder / "finish").touch()
    os.kill(min(before), signal.SIGTERM)
    await dead(crew)

    assert await staffed(crew, 1) != before
    assert crew.report().crashes == 0


async def test_a_crash_loop_waits_longer_each_time_and_is_told(crew: Small, clock: Clock) -> None:
    crew.script = "raise SystemExit(3)"
    pauses = []
    for _ in range(7):
        crew.fit(1, 8)
        await dead(crew)
        crew.fit(1, 8)
        pauses.append(crew.report().retry_s)
        assert not crew.pids()
        clock.now_s += pauses[-1] or 0

    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    told = crew.report()
    assert (told.live, told.crashes, told.last_exit) == (0, 7, "exit 3")


async def test_a_machine_that_can_start_no_process_is_told_and_tried_again(
    crew: Small, clock: Clock
) -> None:
    crew.program = str(crew.folder / "python")
    for _ in range(2):
        crew.fit(1, 8)

    told = crew.report()
    assert (told.live, told.crashes, told.retry_s) == (0, 1, 1)
    assert told.last_exit == "No such file or directory"
    assert crew.dead == []

    (crew.folder / "python").symlink_to(sys.executable)
    clock.now_s += 1
    assert await staffed(crew, 1)


async def test_a_long_life_ends_the_crash_loop(crew: Small, clock: Clock) -> None:
    before = await staffed(crew, 1)
    crew.workers[0].quick_deaths = 4
    clock.now_s += 60
    os.kill(min(before), signal.SIGKILL)
    await dead(crew)

    await staffed(crew, 1)

    assert crew.report().live == 1
    assert crew.workers[0].quick_deaths == 0


async def test_workers_with_other_slots_go_when_the_new_ones_are_ready(
    crew: Small, clock: Clock
) -> None:
    old = await staffed(crew, 2)

    new = await staffed(crew, 2, slots=16)
    assert not new & old
    crew.fit(2, 16)
    assert (crew.report().live, crew.told()) == (4, set())

    clock.now_s += crews.READY_S
    crew.fit(2, 16)
    await until(lambda: crew.told() == old)
    assert crew.report().live == 2


async def test_new_ones_that_crash_leave_the_old_at_work(crew: Small, clock: Clock) -> None:
    old = await staffed(crew, 1)
    crew.script = "raise SystemExit(1)"

    for _ in range(3):
        crew.fit(1, 16)
        await dead(crew)
        clock.now_s += 60

    assert crew.report().live == 1
    assert not crew.told()
    assert old <= crew.up()


async def test_none_wanted_lets_all_go(crew: Small) -> None:
    old = await staffed(crew, 1)
    crew.fit(1, 16)

    crew.fit(0, 16)

    await until(lambda: crew.told() >= old)
    (crew.folder / "finish").touch()
    await until(lambda: crew.look() or crew.empty())


@pytest_asyncio.fixture
async def sighted(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Small]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    crew = Small("gpu0", request.param)
    crew.folder = tmp_path
    yield crew
    await crew.disband(0)


@pytest.mark.parametrize(("sighted", "seen"), [("1", "1"), (None, "all")], indirect=["sighted"])
async def test_a_worker_sees_its_gpu_alone_and_has_one_heap(sighted: Small, seen: str) -> None:
    (pid,) = await staffed(sighted, 1)

    assert (sighted.folder / f"{pid}.up").read_text() == f"{seen} 1"


BEATING = """
import asyncio, os, pathlib, re, signal, sys, time
from broker.base.heartbeat import beat_from
folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]
def stop():
    os.kill(os.getpid(), signal.SIGSTOP)
def match():
    re.match(r"(a+)+$", "a" * 60 + "b")
def sleep():
    time.sleep(60)
async def main():
    beat_from(asyncio.get_running_loop())
    (folder / f"{os.getpid()}.up").write_text("up")
    await asyncio.sleep(0.3)
    while how == "live":
        time.sleep(0.2)
        await asyncio.sleep(0)
    globals()[how]()
if how == "unborn":
    (folder / f"{os.getpid()}.up").write_text("up")
    stop()
signal.signal(signal.SIGTERM, lambda *_: None)
asyncio.run(main())
"""
"""Beats, then stands still in one of several ways; `live` is busy but turns."""


class Beating(Small):
    how = "live"

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-c", BEATING, str(self.folder), self.how]

    def live(self) -> list[str]:
        return [*self.command(0)[:-1], "live"]


@pytest_asyncio.fixture
async def beating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Beating]:
    monkeypatch.setattr(heartbeat, "HANG_S", 3.0)
    monkeypatch.setattr(heartbeat, "CHILD_START_S", 3.0)
    crew = Beating("gpu0")
    crew.folder = tmp_path
    yield crew
    await crew.disband(0)


async def watched(crew: Crew, looks: int) -> None:
    for _ in range(looks):
        crew.look()
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", ["stop", "match", "sleep", "unborn"])
async def test_one_whose_loop_stands_still_is_killed_and_replaced(
    beating: Beating, how: str
) -> None:
    beating.how = how
    before = await staffed(beating, 1)
    (pid,) = before

    async with asyncio.timeout(30):
        while not beating.dead:
            await watched(beating, 1)
    beating.workers[0].command = beating.live()

    await until(lambda: beating.fit(1, 8) or beating.pids())
    assert await staffed(beating, 1) != before
    assert beating.dead == [pid]
    told = beating.report()
    assert (told.live, told.crashes, told.last_exit) == (1, 1, HUNG)


async def test_one_that_hangs_while_it_leaves_is_not_waited_for(beating: Beating) -> None:
    beating.how = "sleep"
    await staffed(beating, 1)
    beating.fit(0, 8)

    async with asyncio.timeout(30):
        while not beating.empty():
            await watched(beating, 1)

    assert beating.report().crashes == 0


async def test_one_that_is_busy_but_turns_is_left_alone(beating: Beating) -> None:
    before = await staffed(beating, 1)

    await watched(beating, 50)

    assert beating.pids() == before
    assert beating.report().crashes == 0


async def test_a_node_that_stood_still_itself_blames_nobody(
    beating: Beating, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await staffed(beating, 1)
    await watched(beating, 5)
    clock = heartbeat.monotonic()
    monkeypatch.setattr(heartbeat, "monotonic", lambda: clock + 3600)

    beating.look()

    assert beating.pids() == before
    assert beating.workers[0].alive()


async def test_a_node_that_stops_kills_who_is_not_done_in_time(crew: Small, clock: Clock) -> None:
    pids = await staffed(crew, 2)

    going = asyncio.create_task(crew.disband(30))
    await until(lambda: crew.told() == pids)
    assert not going.done()
    clock.now_s += 30
    await going

    assert crew.empty()
    assert {*crew.dead} == pids
    assert crew.report().crashes == 0


async def test_what_a_crashed_one_had_printed_is_told(crew: Small) -> None:
    crew.script = "print('one'); print('x' * 1000); raise SystemExit('no room for the model')"
    crew.fit(1, 8)
    await dead(crew)
    crew.look()

    one, long, why = crew.report().last_lines.split("\n")
    assert (one, why) == ("one", "no room for the model")
    assert len(long) == crews.SHOWN_CHARS
