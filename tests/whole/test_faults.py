"""What dies may die at any time: the hint ends, once, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from typing import Any

import httpx2
import pytest

from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand, frames, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
TEXT = "Look at your loop. Where does it end?"


def test_a_worker_killed_in_the_middle_of_a_stream(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    student = stand.student()
    hint = stand.ask(student)
    events = []

    with student.stream("GET", hint["links"]["events"], timeout=90) as stream:
        for event_id, kind, data in frames(stream.iter_lines()):
            if kind == "piece" and not any(seen[1] == "piece" for seen in events):
                stand.kill_worker()
            events.append((event_id, kind, data))

    final = stand.final(hint["id"])
    assert (final["state"], final["attempt"], final["text"]) == ("answered", 2, TEXT)
    after_reset = events[[kind for _, kind, _ in events].index("reset") :]
    assert "".join(d["text"] for _, kind, d in after_reset if kind == "piece") == TEXT
    assert [kind for _, kind, _ in events].count("done") == 1
    until(lambda: stand.task_results(hint["id"]) == ["2:SUCCESS"])


def test_a_worker_that_stands_still_is_replaced(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    hint = stand.ask(stand.student())
    until(lambda: engine.stats()["active"])
    (before,) = stand.worker_pids()

    os.kill(before, signal.SIGSTOP)
    final = stand.final(hint["id"])

    assert (final["state"], final["attempt"], final["text"]) == ("answered", 2, TEXT)
    assert before not in stand.worker_pids()
    assert f"pid {before}, hangs: silent for 10 s, killed" in (stand.data / "node.log").read_text()
    assert "· hung" in stand.python("-m", "workers", "status", "--once")


def test_a_worker_told_to_stop_finishes_what_it_writes(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    hint = stand.ask(stand.student())
    until(lambda: engine.stats()["active"])

    for pid in stand.worker_pids():
        os.kill(pid, signal.SIGTERM)

    final = stand.final(hint["id"])
    assert (final["state"], final["attempt"]) == ("answered", 1)
    until(lambda: stand.live() == {"gpu0"})


def test_redis_stopped_and_started_in_the_middle_of_a_stream(
    stand: Stand, engine: FakeEngine
) -> None:
    engine.script(SLOW)
    first, second = stand.student(), stand.student()
    running = stand.ask(first)
    until(lambda: engine.stats()["active"])

    stand.valkey.stop()
    while_down = stand.ask(second)
    assert while_down["position"] is None
    stand.valkey.start()

    for hint in (running, while_down):
        assert stand.final(hint["id"])["finished_at"]
    assert stand.hint(running["id"])["attempt"] == 1
    assert stand.hint(while_down["id"])["state"] == "answered"


def test_redis_wiped_with_hints_running_and_waiting(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW, SLOW)
    running = [stand.ask(stand.student()) for _ in range(2)]
    waiting = [stand.ask(stand.student()) for _ in range(2)]
    until(lambda: engine.stats()["active"] == 2)

    stand.broker.client.flushall()

    for hint in running + waiting:
        final = stand.final(hint["id"], within_s=120)
        assert final["finished_at"]
    assert [stand.hint(hint["id"])["attempt"] for hint in running] == [1, 1]
    assert {stand.hint(hint["id"])["state"] for hint in waiting} == {"answered"}


def test_a_failing_engine_hands_the_hint_to_the_other(pair: Stand) -> None:
    pair.final(pair.ask(pair.student())["id"])
    home = max(pair.engines.values(), key=asked_at_s)
    home.script(Behaviour(status=503, when="FAIL-ONCE"))

    final = pair.final(pair.ask(pair.student(), question="FAIL-ONCE")["id"])

    assert (final["state"], final["attempt"]) == ("answered", 2)


def asked_at_s(engine: FakeEngine) -> float:
    """When it was last asked for a hint."""
    return max((float(request["at_s"]) for request in engine.stats()["requests"]), default=0)


def watched(stand: Stand, student: httpx2.Client, hint: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, text) of each event until the end."""
    with student.stream("GET", hint["links"]["events"], timeout=90) as stream:
        return [(kind, data.get("text", "")) for _, kind, data in frames(stream.iter_lines())]


def test_a_stream_that_breaks_off_goes_on_elsewhere(pair: Stand) -> None:
    broken = Behaviour(pieces=("Look at your loop. ", "Where "), then=Then.CUT, when="BREAK")
    rest = Behaviour(pieces=(" does it", " end?"), when='"continue_final_message": true')
    for engine in pair.engines.values():
        engine.script(rest, broken)
    student = pair.student()

    hint = pair.ask(student, question="BREAK")
    events = watched(pair, student, hint)

    final = pair.final(hint["id"])
    assert (final["state"], final["attempt"], final["text"]) == ("answered", 2, TEXT)
    assert "".join(text for kind, text in events if kind == "piece") == TEXT
    assert "reset" not in [kind for kind, _ in events]
    until(lambda: pair.task_results(hint["id"]) == ["1:SUCCESS", "2:SUCCESS"])


def test_an_engine_that_crashes_is_survived(pair: Stand) -> None:
    engine = pair.engines["gpu0"]
    for each in pair.engines.values():
        each.script(SLOW, SLOW)
    hints = [pair.ask(pair.student()) for _ in range(4)]
    until(lambda: engine.stats()["active"])

    engine.stop()
    finals = [pair.final(hint["id"]) for hint in hints]
    pair.engines["gpu0"] = FakeEngine(port=engine.port)

    assert {final["state"] for final in finals} == {"answered"}
