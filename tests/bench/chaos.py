"""Hints on four fake GPUs while workers, engines, a node and Redis die: what became of each one.

python -m tests.bench.chaos [HINTS]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from tests.bench.table import Row
from tests.fakes.launch import ROOT, FakeVllm
from tests.fakes.vllm_faults import Fault, Wrong
from tests.whole.stand import Stand

HINTS = 2000
GPUS = 4
SLOTS = 16
STEP_S = 0.02
LIMITS: dict[str, float] = {"max_num_seqs": SLOTS, "max_num_queued_reqs": SLOTS + 8}
PAUSE_S = 3.0
"""At least, between two blows."""


Blows = tuple[Callable[["Chaos"], object], ...]


@dataclass
class Chaos:
    """The fleet under attack, and what is to be mended later."""

    stand: Stand
    engines: dict[str, FakeVllm]
    blows: list[str] = field(default_factory=list)
    _later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def strike(self, blow: Callable[[Chaos], object]) -> None:
        print(f"  {blow.__name__}", file=sys.stderr, flush=True)
        self.blows.append(blow.__name__)
        blow(self)

    def later(self, after_s: float, mend: Callable[[], object]) -> None:
        self._later.append((monotonic() + after_s, mend))

    def mend(self, *, all_: bool = False) -> None:
        due = [item for item in self._later if all_ or item[0] <= monotonic()]
        self._later = [item for item in self._later if item not in due]
        for _, mend in due:
            mend()

    def fault(self, name: str, wrong: Wrong, **more: Any) -> None:
        self.engines[name].fault(Fault(wrong=wrong, **more))

    def restart(self, name: str) -> None:
        self.engines[name] = self.engines[name].again()

    def command(self, *words: str) -> None:
        self.stand.python("-m", "workers", *words)


def streams_cut(c: Chaos) -> None:
    c.fault("gpu0", Wrong.CUT, times=8)


def worker_killed(c: Chaos) -> None:
    c.stand.kill_worker("gpu1")


def engine_crashed(c: Chaos) -> None:
    c.fault("gpu2", Wrong.CRASH)
    c.later(4, lambda: c.restart("gpu2"))


def ends_without_a_reason(c: Chaos) -> None:
    c.fault("gpu3", Wrong.EOF, times=8)


def scaled_up(c: Chaos) -> None:
    c.command("scale", "gpu0=2")


def streams_hung(c: Chaos) -> None:
    c.fault("gpu1", Wrong.HANG, times=6)


def worker_stopped_past_its_leases(c: Chaos) -> None:
    """It wakes up as a zombie: others have had its hints."""
    pids = c.stand.worker_pids("gpu3")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    c.later(40, lambda: woken(pids))


def redis_killed(c: Chaos) -> None:
    assert c.stand.valkey.child.process is not None
    c.stand.valkey.child.process.kill()
    c.stand.valkey.child.process.wait()
    c.later(2, c.stand.valkey.start)


def refused_as_busy(c: Chaos) -> None:
    c.fault("gpu0", Wrong.STATUS, status=503, times=10)


def engine_frozen(c: Chaos) -> None:
    c.fault("gpu2", Wrong.FREEZE, seconds=15)


def error_frames(c: Chaos) -> None:
    c.fault("gpu0", Wrong.ERROR_FRAME, times=8)


def engine_drained(c: Chaos) -> None:
    c.command("drain", "gpu1")
    c.later(10, lambda: c.command("resume", "gpu1"))


def all_workers_killed(c: Chaos) -> None:
    c.stand.kill_worker()


def redis_wiped(c: Chaos) -> None:
    c.stand.broker.client.flushall()


def engine_died_under_its_server(c: Chaos) -> None:
    c.fault("gpu1", Wrong.DEAD)
    c.later(4, lambda: c.restart("gpu1"))


def engine_terminated(c: Chaos) -> None:
    """As vLLM comes: its open streams hang."""
    c.engines["gpu2"].process.terminate()
    c.later(8, lambda: c.restart("gpu2"))


def node_killed(c: Chaos) -> None:
    c.stand.processes["node"].kill()
    c.stand.processes["node"].wait()
    c.stand.launch("node", "-m", "workers", "node")


def scaled_down(c: Chaos) -> None:
    c.command("scale", "gpu0=1")


def two_engines_crashed(c: Chaos) -> None:
    for name in ("gpu0", "gpu3"):
        c.fault(name, Wrong.CRASH)
    c.later(4, lambda: c.restart("gpu0"))
    c.later(5, lambda: c.restart("gpu3"))


def refused_before_the_first_word(c: Chaos) -> None:
    c.fault("gpu1", Wrong.STATUS, status=500, times=6)
    c.fault("gpu2", Wrong.CUT, after_tokens=0, times=6)


BLOWS: Blows = (
    streams_cut,
    worker_killed,
    engine_crashed,
    ends_without_a_reason,
    worker_stopped_past_its_leases,
    scaled_up,
    streams_hung,
    redis_killed,
    refused_as_busy,
    engine_frozen,
    error_frames,
    engine_drained,
    all_workers_killed,
    redis_wiped,
    engine_died_under_its_server,
    node_killed,
    engine_terminated,
    refused_before_the_first_word,
    scaled_down,
    two_engines_crashed,
)


def woken(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue


def measure(hints: int = HINTS, blows: Blows = BLOWS, step_s: float = STEP_S) -> dict[str, Any]:
    """What tests.bench.chaosapp judged, with `watched`, `blows` and `seconds`.

    step_s: of the engines, a token in each.
    """
    environ = {"HINTLINE_HINT_TTL_S": "1800", "HINTLINE_BACKLOG_MAX": "10000"}
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        engines = {f"gpu{n}": FakeVllm(voice=n, step_s=step_s, **LIMITS) for n in range(GPUS)}
        stand = Stand(Path(folder), engines, environ)
        chaos = Chaos(stand, engines)
        try:
            stand.shell(SETUP, str(SLOTS))
            began_s = monotonic()
            watched = attack(chaos, hints, blows)
            seconds = monotonic() - began_s
            judged: dict[str, Any] = json.loads(stand.python("-m", "tests.bench.chaosapp", "judge"))
            about = {"watched": watched, "blows": chaos.blows, "seconds": round(seconds)}
            return judged | about
        finally:
            chaos.mend(all_=True)
            stand.close()
            for engine in chaos.engines.values():
                engine.stop()


def rows(hints: int = HINTS) -> list[Row]:
    """Lines of a table: what, figure, reference, wanted."""
    found = measure(hints)
    states, watched = found["states"], found["watched"]
    final = found["hints"] - len(found["lost"])
    torn = sum(count for told, count in watched.items() if told.startswith("other words"))
    failed = ", ".join(f"{count} {reason}" for reason, count in found["reasons"].items())
    blows = f"{len(found['blows'])} in {found['seconds']} s"
    return [
        ("blows: workers, engines, node and Redis killed, hung, drained, wiped", blows, "", ""),
        ("hints with a final state", str(final), str(hints), "all"),
        ("hints finished twice", str(len(found["doubled"])), "", "0"),
        ("answered, but not with one attempt's whole text", str(len(found["wrong"])), "", "0"),
        ("streams that told other words than the row", str(torn), "", "0"),
        ("answered by a model", str(states.get("answered", 0)), "", ""),
        ("ended with the author's hint", f"{states.get('failed', 0)} ({failed})", "", ""),
    ]


def attack(chaos: Chaos, hints: int, blows: Blows) -> dict[str, int]:
    """A blow each time another part of the hints is final; answers what streams told."""
    command = [sys.executable, "-m", "tests.bench.chaosapp", "ask", str(hints)]
    left, struck_s = list(blows), monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=chaos.stand.env, stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdout is not None
        for line in asking.stdout:
            if line.startswith("{"):
                watched: dict[str, int] = json.loads(line)
                return watched
            chaos.mend()
            due = (len(blows) - len(left) + 1) * hints / (len(blows) + 2)
            if left and int(line) >= due and monotonic() >= struck_s + PAUSE_S:
                chaos.strike(left.pop(0))
                struck_s = monotonic()
    raise RuntimeError(f"the students gave up: exit {asking.returncode}")


SETUP = """
from web.engines.models import *
for engine in Engine.objects.all():
    engine.slots = engine.worker_slots = int(sys.argv[1])
    engine.save()
"""


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if sys.argv[1:] else HINTS)
    print(json.dumps(found, indent=1))
