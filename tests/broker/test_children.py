"""Child processes: what dies or hangs comes back, whatever it died of, and what must end ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from broker.base import children, heartbeat
from broker.base.children import HUNG, Child, ChildEnded, Death, exit_name
from broker.base.output import ChildOutput

BEATING = """
import signal, sys, time
from broker.base.heartbeat import beater
beat = beater()
print("up", flush=True)
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

    def new(code: str, *arguments: str, program: str = sys.executable) -> Child:
        output = ChildOutput(tmp_path / "small.log")
        child = Child("small", [program, "-c", code, *arguments], output=output)
        made.append(child)
        return child

    yield new
    for child in made:
        child.stop(5)


def ended(child: Child) -> None:
    assert child.process is not None
    child.process.wait(30)


def up(child: Child) -> Callable[[], bool]:
    assert child.output is not None
    tail = child.output.tail
    return lambda: "up" in tail


def told(child: Child, within_s: float = 30) -> Death:
    """The first thing that happens."""
    deadline = monotonic() + within_s
    while not (death := child.look()):
        assert monotonic() < deadline
        sleep(0.05)
    return death


def test_one_that_ends_before_it_is_ready_ends_the_wait_with_its_last_lines(make: Make) -> None:
    child = make("print('why'); raise SystemExit(3)")
    child.start()

    with pytest.raises(ChildEnded, match=r"small ended at once:\nwhy\n\(whole log: .*small.log\)"):
        child.wait_until(lambda: False, 30)


def test_one_that_is_late_may_still_come(make: Make) -> None:
    child = make(BEATING)
    child.start()

    assert not child.wait_until(lambda: False, 0.3)
    assert child.look() is None
    assert child.wait_until(up(child), 30)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("raise SystemExit(1)", "exit 1"),
        ("raise SystemExit(0)", "exit 0"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
)
def test_one_that_keeps_dying_young_is_tried_for_ever_with_longer_pauses(
    make: Make, clock: Clock, end: str, how: str
) -> None:
    child = make(f"print('no space left', flush=True)\n{end}")
    child.start()
    pauses = []
    for _ in range(8):
        assert child.process is not None
        pid = child.process.pid
        ended(child)
        death = child.look()
        assert death is not None
        assert (death.pid, death.how) == (pid, how)
        pauses.append(child.not_before_s - clock.now_s)
        assert f"died ({how}), starting it again in {pauses[-1]:.0f} s\n" in death.text
        assert "no space left" in death.text
        assert (child.look(), child.revive(), child.process) == (None, None, None)
        clock.now_s += pauses[-1]
        assert child.revive() is None
        assert child.process is not None

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_one_that_died_young_for_days_is_still_tried(make: Make, clock: Clock) -> None:
    child = make("")
    child.quick_deaths = 100_000
    child.start()
    ended(child)

    assert child.look() is not None
    assert child.not_before_s - clock.now_s == 30


def test_one_that_lived_for_a_while_comes_back_at_once(make: Make, clock: Clock) -> None:
    child = make(BEATING)
    child.quick_deaths = 5
    child.start()
    assert child.process is not None
    clock.now_s += 60
    before = child.process.pid
    os.kill(before, signal.SIGKILL)
    ended(child)

    assert child.look() == Death(before, "SIGKILL", "died (SIGKILL), starting it again")
    assert (child.revive(), child.quick_deaths) == (None, 0)
    assert child.process is not None


def test_a_machine_without_room_for_a_process_is_tried_again(
    make: Make, clock: Clock, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    child = make(BEATING, program=str(program))

    why = "No such file or directory"
    for pause_s in (1, 2, 4):
        death = child.revive()
        assert death is not None
        assert (death.pid, death.how) == (0, why)
        text = f"cannot be started ({why}), starting it again in {pause_s} s"
        assert death.text.startswith(text)
        assert (child.revive(), child.look(), child.process) == (None, None, None)
        clock.now_s += pause_s
    program.symlink_to(sys.executable)

    assert child.revive() is None
    assert child.alive()


@pytest.mark.parametrize("how", ["stopped", "blocked"])
def test_one_that_stands_still_is_killed_and_started_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(heartbeat, "HANG_S", 2.0)
    blocked = BEATING.replace("while True:", "signal.signal(15, lambda *_: 0)\nwhile 1:\n    beat()\n    time.sleep(60)\nif 0:")  # fmt: skip  # noqa: E501
    child = make(BEATING if how == "stopped" else blocked)
    child.start()
    assert child.wait_until(up(child), 30)
    assert child.process is not None
    before = child.process.pid
    if how == "stopped":
        assert child.look() is None
        os.kill(before, signal.SIGSTOP)

    death = told(child)

    assert (death.pid, death.how) == (before, HUNG)
    assert "hangs: silent for 2 s, killed, starting it again" in death.text


def test_one_that_never_begins_to_beat_is_killed_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "HANG_S", 0.1)
    monkeypatch.setattr(heartbeat, "CHILD_START_S", 1.0)
    child = make("import time; time.sleep(60)")
    child.start()

    death = told(child)

    assert death.how == HUNG
    assert "hangs: silent for 1 s, killed" in death.text


DEAF = BEATING.replace("beat = beater()", "beat = beater()\nsignal.signal(15, lambda *_: 0)")


def test_one_that_is_told_to_end_has_its_time(make: Make) -> None:
    child, deaf = make(BEATING), make(DEAF)
    for each in (child, deaf):
        each.start()
        assert each.wait_until(up(each), 30)

    child.end(60)
    assert told(child).how == "SIGTERM"
    deaf.end(60)
    sleep(0.3)
    assert deaf.look() is None
    deaf.end(0)
    assert told(deaf).how == "SIGKILL"


def test_one_that_is_stopped_and_does_not_obey_is_killed(make: Make) -> None:
    child = make(DEAF)
    child.start()
    assert child.wait_until(up(child), 30)
    process = child.process
    assert process is not None

    child.stop(0.2)

    assert process.returncode == -signal.SIGKILL
    assert (child.process, child.look(), child.alive()) == (None, None, False)


def test_what_it_inherits_and_sees_is_what_it_was_given(make: Make, tmp_path: Path) -> None:
    with (tmp_path / "kept").open("w") as kept:
        code = "import os, sys; os.write(int(sys.argv[1]), os.environ['MINE'].encode())"
        child = make(code, str(kept.fileno()))
        child.environ, child.keep = {"MINE": "word"}, [kept.fileno()]
        child.start()
        ended(child)

    assert (tmp_path / "kept").read_text() == "word"


def test_ctrl_c_at_our_terminal_is_not_for_it(make: Make) -> None:
    child = make(BEATING)
    child.start()
    assert child.process is not None

    assert os.getpgid(child.process.pid) == child.process.pid


def test_an_end_by_an_unnamed_signal_has_a_name() -> None:
    assert [exit_name(code) for code in (0, 7, -9, -50)] == [
        "exit 0", "exit 7", "SIGKILL", "signal 50",
    ]  # fmt: skip
