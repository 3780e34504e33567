"""The processes of the one-command start: what dies or hangs comes back, whatever it died of."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from broker.base import heartbeat
from web.ops import children
from web.ops.children import Child, ChildFailed

BEATING = """
import signal, sys, time
from broker.base.heartbeat import beater
print("up", flush=True)
beat = beater()
while True:
    beat()
    time.sleep(0.1)
"""


class Clock:
    """The supervisor's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(children, "monotonic", lambda: self.now_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Child] = []
    with (tmp_path / "lock").open("w") as lock:

        def new(code: str, **options: object) -> Child:
            child = Child("small", ["-c", code], tmp_path, lock.fileno(), **options)  # type: ignore[arg-type]
            made.append(child)
            return child

        yield new
        for child in made:
            child.stop()


def ended(child: Child) -> None:
    assert child.process is not None
    child.process.wait(30)


def told(child: Child, within_s: float = 30) -> str:
    """The first thing that happens."""
    deadline = monotonic() + within_s
    while not (happened := child.tend()):
        assert monotonic() < deadline
        sleep(0.1)
    return happened


def test_one_that_ends_at_its_first_start_ends_it_with_its_last_lines(make: Make) -> None:
    child = make("print('why'); raise SystemExit(3)", ready=lambda: False)

    with pytest.raises(ChildFailed, match=r"small ended at once:\nwhy\n\(whole log: .*small.log\)"):
        child.start()


def test_one_that_is_late_may_still_come(make: Make) -> None:
    child = make(BEATING, ready=lambda: False, ready_within_s=0.3)

    assert not child.start()
    assert child.tend() == ""


def test_one_that_keeps_dying_young_is_tried_for_ever_with_longer_pauses(
    make: Make, clock: Clock
) -> None:
    child = make("print('no space left')\nraise SystemExit(1)")
    child.start()
    pauses = []
    for _ in range(8):
        ended(child)
        happened = child.tend()
        assert "small died (exit 1), starting it again in" in happened
        assert "no space left" in happened
        pauses.append(child.not_before_s - clock.now_s)
        assert (child.tend(), child.process) == ("", None)
        clock.now_s += pauses[-1]
        assert child.tend() == ""
        assert child.process is not None

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_one_that_lived_for_a_while_comes_back_at_once(make: Make, clock: Clock) -> None:
    child = make(BEATING)
    child.quick_deaths = 5
    child.start()
    assert child.process is not None
    clock.now_s += 60
    os.kill(child.process.pid, signal.SIGKILL)
    ended(child)

    assert child.tend() == "small died (SIGKILL), starting it again"
    assert (child.tend(), child.quick_deaths) == ("", 0)
    assert child.process is not None


def test_a_machine_without_room_for_a_process_is_tried_again(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = make(BEATING)
    child.start()
    assert child.process is not None
    clock.now_s += 60
    child.process.kill()
    ended(child)
    child.tend()

    monkeypatch.setattr(children.sys, "executable", "/no/such/python")
    assert child.tend() == (
        "small cannot be started (No such file or directory), starting it again in 1 s"
    )
    monkeypatch.undo()
    Clock(monkeypatch).now_s += 100

    assert child.tend() == ""
    assert child.process is not None


@pytest.mark.parametrize("how", ["stopped", "blocked"])
def test_one_that_stands_still_is_killed_and_started_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(heartbeat, "HANG_S", 2.0)
    blocked = BEATING.replace("while True:", "signal.signal(15, lambda *_: 0)\nwhile 1:\n    beat()\n    time.sleep(60)\nif 0:")  # fmt: skip  # noqa: E501
    child = make(BEATING if how == "stopped" else blocked, ready=lambda: "up" in child.output.tail)
    assert child.start()
    assert child.process is not None
    before = child.process.pid
    if how == "stopped":
        told_once = child.tend()
        assert told_once == ""
        os.kill(before, signal.SIGSTOP)

    assert "small hangs: silent for" in told(child)

    assert before != restarted(child)


def restarted(child: Child) -> int:
    deadline = monotonic() + 30
    while child.process is None:
        child.tend()
        assert monotonic() < deadline
        sleep(0.05)
    return child.process.pid
