"""Worker counts are changed while hints run: none fails, none is cut, and crashes are shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from broker import fleet, nodes
from broker.fleet import Load
from broker.nodes import CrewReport, NodeState
from tests.fakes.behaviour import Behaviour, Then
from tests.whole.conftest import SLOW
from tests.whole.stand import ROOT, Stand, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
WELL = {("answered", "".join(SLOW.pieces))}
PATIENT = """
from web.engines.models import AIModelConfig, Engine
AIModelConfig.objects.update(idle_s=sys.argv[1])
Engine.objects.update(slots=4)
"""
QUICK = {("answered", "".join(Behaviour().pieces))}


class Fleet:
    """The stand's fleet as ops see and change it."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        (self.node,) = self.nodes()

    def ops(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workers", *arguments],
            cwd=ROOT, env=self.stand.env, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def scale(self, *counts: str) -> None:
        done = self.ops("scale", *counts)
        assert done.returncode == 0, done.stderr

    def nodes(self) -> dict[str, NodeState]:
        return self.stand.broker.run(nodes.live())

    def crew(self, engine: str) -> CrewReport | None:
        """The engine's workers on the stand's own node."""
        node = self.nodes().get(self.node, NodeState(None))
        return next((crew for crew in node.crews if crew.engine == engine), None)

    def load(self, engine: str) -> Load | None:
        return self.stand.broker.run(fleet.snapshot()).get(engine)

    def workers(self, engine: str) -> int:
        """Those that take hints."""
        load = self.load(engine)
        return len(load.workers) if load else 0

    def slots(self, engine: str) -> list[int]:
        """Of each worker that takes hints."""
        load = self.load(engine)
        return list(load.workers.values()) if load else []

    def settle_at(self, **counts: int) -> None:
        """Waits until so many take hints and nobody is leaving."""

        def settled() -> bool:
            crews = [crew for state in self.nodes().values() for crew in state.crews]
            return not any(crew.leaving for crew in crews) and all(
                self.workers(engine) == count for engine, count in counts.items()
            )

        until(settled, 120)


@pytest.fixture
def ops(pair: Stand) -> Iterator[Fleet]:
    """Two engines; left with one worker each."""
    ops = Fleet(pair)
    yield ops
    pair.shell(
        "from web.engines.models import Engine\n"
        "Engine.objects.update(slots=2, workers=1, worker_slots=64, draining=False)"
    )
    until(lambda: ops.slots("gpu0") == ops.slots("gpu1") == [64])
    ops.settle_at(gpu0=1, gpu1=1)


def ends(stand: Stand, hints: list[str]) -> set[tuple[str, str]]:
    """State and text of all of them, once they are over."""
    return {(hint["state"], hint["text"]) for hint in finals(stand, hints)}


def finals(stand: Stand, hints: list[str]) -> list[dict[str, Any]]:
    return [stand.final(hint, 120) for hint in hints]


def test_counts_change_during_a_load_and_no_hint_fails(pair: Stand, ops: Fleet) -> None:
    slow = Behaviour(pieces=SLOW.pieces, gap_s=0.2)
    for engine in pair.engines.values():
        engine.script(*[slow] * 20)

    hints = [pair.ask(pair.student())["id"] for _ in range(8)]
    ops.scale("gpu0=3", "gpu1=0")
    until(lambda: ops.workers("gpu0") == 3 and ops.workers("gpu1") == 0)
    hints += [pair.ask(pair.student())["id"] for _ in range(4)]
    ops.scale("gpu0=1", "gpu1=2", "--slots=32")
    until(lambda: ops.workers("gpu1") == 2)

    assert ends(pair, hints) == WELL
    ops.settle_at(gpu0=1, gpu1=2)


def test_scaling_down_cuts_no_stream(pair: Stand, ops: Fleet) -> None:
    for engine in pair.engines.values():
        engine.script(SLOW, SLOW)
    hints = [pair.ask(pair.student())["id"] for _ in range(4)]
    until(lambda: sum(engine.stats()["active"] for engine in pair.engines.values()) == 4)

    ops.scale("gpu0=0", "gpu1=0")

    until(lambda: ops.workers("gpu0") + ops.workers("gpu1") == 0)
    assert ends(pair, hints) == WELL
    assert [hint["attempt"] for hint in finals(pair, hints)] == [1] * 4
    until(lambda: not pair.worker_pids())


def test_no_hint_waits_for_a_busy_worker_while_another_one_has_a_free_slot(
    pair: Stand, ops: Fleet
) -> None:
    engine = pair.engines["gpu0"]
    engine.script(*[Behaviour(pieces=SLOW.pieces[:1], then=Then.HANG)] * 2)
    pair.shell(PATIENT, "60")
    ops.scale("gpu0=1", "gpu1=0", "--slots=2")
    until(lambda: ops.slots("gpu0") == [2] and not ops.workers("gpu1"))
    busy = [(student := pair.student(), pair.ask(student)) for _ in range(2)]
    until(lambda: engine.stats()["active"] == 2)

    ops.scale("gpu0=2", "gpu1=0", "--slots=2")
    until(lambda: ops.slots("gpu0") == [2, 2] and (load := ops.load("gpu0")) and load.limit == 4)
    quick = [pair.ask(pair.student())["id"] for _ in range(2)]

    assert [hint["attempt"] for hint in finals(pair, quick)] == [1, 1]
    assert engine.stats()["active"] == 2
    for student, hint in busy:
        student.post(hint["links"]["cancel"])
    pair.shell(PATIENT, "3")


def test_a_drain_finishes_what_runs_and_moves_the_rest(pair: Stand, ops: Fleet) -> None:
    engine = pair.engines["gpu1"]
    aborted = engine.stats()["aborted"]
    for each in pair.engines.values():
        each.script(*[SLOW] * 12)
    hints = [pair.ask(pair.student())["id"] for _ in range(6)]
    until(lambda: engine.stats()["active"])

    assert ops.ops("drain", "gpu1").returncode == 0

    until(lambda: not (load := ops.load("gpu1")) or load.max_slots + load.in_flight == 0)
    served = engine.stats()["started"]
    hints += [pair.ask(pair.student())["id"] for _ in range(3)]
    assert ends(pair, hints) == WELL
    assert {hint["attempt"] for hint in finals(pair, hints)} == {1}
    stats = engine.stats()
    assert (stats["started"], stats["aborted"]) == (served, aborted)
    until(lambda: not pair.worker_pids("gpu1"))
    assert "drained" in ops.ops("status", "--once").stdout

    assert ops.ops("resume", "gpu1").returncode == 0
    until(lambda: ops.workers("gpu1") == 1)
    load = ops.load("gpu1")
    assert load
    assert load.max_slots == 2


def test_a_crash_loop_is_shown(pair: Stand, ops: Fleet) -> None:
    def crashes() -> int:
        crew = ops.crew("gpu1")
        return crew.crashes if crew else 0

    for _ in range(2):
        before = crashes()
        until(lambda: pair.worker_pids("gpu1"))
        for pid in pair.worker_pids("gpu1"):
            os.kill(pid, signal.SIGKILL)
        until(lambda at=before: crashes() > at)  # type: ignore[misc]

    shown = ops.ops("status").stdout
    assert f"{crashes()} · SIGKILL" in shown
    until(lambda: ops.workers("gpu1") == 1)


def test_two_nodes_share_the_work(pair: Stand, ops: Fleet) -> None:
    pair.env["HINTLINE_NODE"] = "second"
    pair.launch("second", "-m", "workers", "node", "--gpu", "1")
    try:
        until(lambda: "second" in ops.nodes())
        assert ops.nodes()["second"].engines == {"gpu1"}
        ops.scale("gpu0=2", "gpu1=2")

        def shares() -> dict[tuple[str, str], int]:
            return {
                (name, crew.engine): crew.live
                for name, state in ops.nodes().items()
                for crew in state.crews
            }

        wanted = {(ops.node, "gpu0"): 2, (ops.node, "gpu1"): 1, ("second", "gpu1"): 1}
        until(lambda: shares() == wanted)
        until(lambda: ops.workers("gpu1") == 2)
        hints = [pair.ask(pair.student())["id"] for _ in range(6)]
        assert ends(pair, hints) == QUICK
    finally:
        second = pair.processes.pop("second")
        second.terminate()
        assert second.wait(60) == 0
        del pair.env["HINTLINE_NODE"]

    assert set(ops.nodes()) == {ops.node}
    until(lambda: ops.workers("gpu1") == 2)


def test_a_second_node_of_the_same_name_is_refused(pair: Stand, ops: Fleet) -> None:
    done = ops.ops("node")

    assert done.returncode == 1
    assert f"NameTaken: another live node is called '{ops.node}'" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(ops.nodes()) == {ops.node}


def test_a_node_that_is_killed_gets_its_name_back(pair: Stand, ops: Fleet) -> None:
    node = pair.processes["node"]
    node.kill()
    node.wait()

    pair.launch("node", "-m", "workers", "node")

    until(lambda: pair.live() == set(pair.engines) and ops.crew("gpu0"))
    assert ends(pair, [pair.ask(pair.student())["id"]]) == QUICK


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("scale", "gpu0=2", "gpu1=-1"), "gpu1: “-1” is no number of workers: use 0 to 64."),
        (("scale", "gpu0=2", "gpu7=1"), "gpu7: there is no such engine. There are: gpu0, gpu1."),
        (("scale", "gpu0=2", "gpu0=3"), "gpu0: named twice"),
        (("scale", "gpu0"), "gpu0: write ENGINE=COUNT, for example gpu0=3"),
        (("drain", "gpu0", "gpu7"), "gpu7: there is no such engine. There are: gpu0, gpu1."),
        (("node", "--gpu", "one"), "'one': write GPU indexes such as 0 or 0,1"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    ops: Fleet, arguments: tuple[str, ...], told: str
) -> None:
    done = ops.ops(*arguments)

    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    shown = ops.ops("status", "--once").stdout
    assert shown.count("1/1 × 64") == 2
    assert "drain" not in shown


def test_status_tells_without_redis(pair: Stand, ops: Fleet) -> None:
    pair.valkey.stop()
    try:
        done = ops.ops("status", "--once")
    finally:
        pair.valkey.start()

    assert done.returncode == 0
    assert "Redis does not answer" in done.stdout
    assert "gpu0" in done.stdout
    until(lambda: ops.workers("gpu0") == 1)
