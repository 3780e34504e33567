"""Placement on a virtual clock: the real scripts beside what others do, on a simulated fleet.

python -m tests.bench.placement prints all of it.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import redis

from broker import dispatch, fleet
from broker.dispatch import Grant, Ticket
from broker.embedded import Embedded
from broker.keys import HEALTH
from tests.bench.policies import (
    AtOnce,
    CacheAware,
    SharedQueue,
    TokenAware,
    at_random,
    bounded,
    hashed,
    score,
)
from tests.bench.simulation import KV_TOKENS, SLOTS, Gpu, Hint, Placed, Policy, Simulation
from tests.bench.table import Row, at, markdown
from tests.broker.virtual import VirtualBroker

EXERCISES = 60
STUDENTS = 2000
FOREVER_S = 10_000_000
RUNS = 3
"""Of each load, with other arrivals: what one of them tells apart may be chance."""


class Hintline:
    """The real scripts, with the virtual clock."""

    def __init__(self, gpus: list[Gpu], client: redis.Redis) -> None:
        client.flushall()
        self.broker, self.turns = VirtualBroker(client), Turns(client)
        self.broker.set_now(0)
        self.gpus = {f"gpu{gpu.number}": gpu for gpu in gpus}
        self.names = {gpu: name for name, gpu in self.gpus.items()}
        self.hints: dict[str, Hint] = {}
        self.broker.run(fleet.set_engines(dict.fromkeys(self.gpus, SLOTS)))
        for name in self.gpus:
            self.broker.run(fleet.beat(name, "worker", SLOTS, FOREVER_S))
            client.hset(HEALTH(name), "kv_tokens", KV_TOKENS)

    def arrive(self, hint: Hint, now: float) -> Placed:
        self.broker.set_now(round(1000 * now))
        self.hints[str(hint.number)] = hint
        self.turns.join(hint)
        found = self.broker.run(dispatch.admit(ticket(hint)))
        return self.claim([found.grant] if found.grant else [], now)

    def finish(self, hint: Hint, gpu: Gpu, now: float) -> Placed:
        self.broker.set_now(round(1000 * now))
        call = dispatch.settle(str(hint.number), self.names[gpu], 1, now - hint.placed)
        return self.claim(self.broker.run(call), now)

    def tick(self, now: float) -> Placed:
        self.broker.set_now(round(1000 * now))
        grants = [one for name in self.gpus for one in self.broker.run(dispatch.pull(name))]
        return self.claim(grants, now)

    def claim(self, grants: list[Grant], now: float) -> Placed:
        for grant in grants:
            claim = self.broker.run(dispatch.claim(grant.hint, grant.engine, "w"))
            assert (claim and claim.attempt) == 1
            self.hints[self.turns.next()].turn = now
        return [(self.hints[grant.hint], self.gpus[grant.engine]) for grant in grants]


class Turns:
    """The same line without affinity: whose turn it would be, each time somebody has a slot."""

    def __init__(self, client: redis.Redis) -> None:
        database = {**client.connection_pool.connection_kwargs, "db": 1}
        pool = redis.ConnectionPool(client.connection_pool.connection_class, **database)
        self.broker = VirtualBroker(redis.Redis(connection_pool=pool))
        self.broker.set_now(0)
        self.broker.run(fleet.beat("turn", "worker", 1, FOREVER_S))

    def join(self, hint: Hint) -> None:
        placement = self.broker.run(dispatch.admit(replace(ticket(hint), prefix_tokens=0)))
        assert placement.grant is None

    def next(self) -> str:
        self.broker.run(fleet.set_engines({"turn": 1}))
        (grant,) = self.broker.run(dispatch.pull("turn"))
        self.broker.run(dispatch.forget(grant.hint))
        self.broker.run(fleet.set_engines({}))
        return grant.hint


def ticket(hint: Hint) -> Ticket:
    return Ticket(
        hint=str(hint.number),
        attempt=0,
        prefix=f"exercise {hint.exercise}",
        prefix_tokens=hint.prefix_tokens,
        lane="interactive",
        student=str(score("student", hint.number) % STUDENTS),
        course=str(hint.course),
        since_ms=round(1000 * hint.asked),
    )


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in. burst: from, until, times the rate, most of it for one exercise.

    courses: over which the exercises are spread; a fair order between them costs the busiest.
    """

    name: str
    rate: float
    seconds: float
    seed: int
    burst: tuple[float, float, float] | None = None
    speeds: tuple[float, ...] = (1, 1, 1, 1)
    courses: int = 1

    def arrivals(self, run: int = 0) -> list[Hint]:
        rnd = random.Random(self.seed + 100 * run)
        weights = [1 / (n + 1) for n in range(EXERCISES)]
        tokens = [int(2000 * rnd.uniform(0.6, 1.4)) for _ in range(EXERCISES)]
        found: list[Hint] = []
        now = 0.0
        while now < self.seconds:
            burst = self.burst if self.burst and self.burst[0] < now < self.burst[1] else None
            now += rnd.expovariate(self.rate * (burst[2] if burst else 1))
            exercise = rnd.choices(range(EXERCISES), weights)[0]
            if burst and rnd.random() < 0.85:
                exercise = 7
            own, out = int(rnd.uniform(200, 800)), int(rnd.uniform(60, 220))
            course = exercise % self.courses
            found.append(Hint(len(found), now, exercise, course, tokens[exercise], own, out))
        return found


LOADS = (
    Load("steady, 9/s", 9, 200, 1),
    Load("near saturation, 11/s", 11, 200, 5),
    Load("overload, 13/s", 13, 200, 2),
    Load("class burst, 85 % one exercise", 6, 160, 3, burst=(60, 100, 2.2)),
    Load("class at once, 30/s for 4 s", 6, 100, 6, burst=(60, 64, 5)),
    Load("light, 4/s", 4, 200, 7),
    Load("overload, 13/s, six courses", 13, 200, 2, courses=6),
    Load("speeds 1, 1, ½, ½, 7/s", 7, 200, 4, speeds=(1, 1, 0.5, 0.5)),
)


# Not the one whose fair order makes the busiest course wait, nor the one with slow GPUs, nor the
# flood of five times what the fleet can do, in which no cache is worth a wait.
COMPARED = {load.name for load in (*LOADS[:4], LOADS[5])}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all runs together. Times to the first token in s; shares in %.

    reused: of the tokens of prefixes that were asked for before, those read from a cache;
    late_s: longest wait past a fair turn, None where no policy says what is fair.
    """

    p50_s: float
    p95_s: float
    max_s: float
    hits: float
    reused: float
    late_s: float | None


HEAD = ("load", "policy", "TTFT p50 s", "p95 s", "max s", "hits %", "reused tokens %", "late s")
Found = dict[str, dict[str, Figures]]
"""By load, then by policy."""


def figures(runs: Sequence[Sequence[Hint]]) -> Figures:
    hints = [hint for run in runs for hint in run]
    waits = [hint.first - hint.asked for hint in hints]
    again = [hint for run in runs for hint in asked_before(run)]
    reused = sum(hint.prefix_tokens for hint in again if hint.hit)
    return Figures(
        p50_s=at(waits, 0.5),
        p95_s=at(waits, 0.95),
        max_s=max(waits),
        hits=100 * sum(hint.hit for hint in hints) / len(hints),
        reused=100 * reused / sum(hint.prefix_tokens for hint in again),
        late_s=max((hint.placed - hint.turn for hint in hints if hint.turn), default=None),
    )


def asked_before(hints: Sequence[Hint]) -> list[Hint]:
    """Those that are not the first for their exercise."""
    firsts = {hint.exercise: hint for hint in reversed(hints)}
    return [hint for hint in hints if hint is not firsts[hint.exercise]]


def measure() -> Found:
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)) as server:
        client = redis.Redis.from_url(server.url, decode_responses=True)
        policies: dict[str, Callable[[list[Gpu]], Policy]] = {
            "random": lambda gpus: AtOnce(gpus, at_random),
            "shared FIFO": SharedQueue,
            "hash": lambda gpus: AtOnce(gpus, hashed),
            "CHWBL": lambda gpus: AtOnce(gpus, bounded),
            "llm-d": TokenAware,
            "llm-d, τ 2 s": lambda gpus: TokenAware(gpus, tau_s=2),
            "llm-d, τ ½ s": lambda gpus: TokenAware(gpus, tau_s=0.5),
            "smg": lambda gpus: AtOnce(gpus, CacheAware()),
            "Hintline": lambda gpus: Hintline(gpus, client),
        }
        found = {load.name: {name: run(load, p) for name, p in policies.items()} for load in LOADS}
        client.close()
    return found


def run(load: Load, policy: Callable[[list[Gpu]], Policy]) -> Figures:
    runs = [load.arrivals(number) for number in range(RUNS)]
    for hints in runs:
        gpus = [Gpu(number, speed) for number, speed in enumerate(load.speeds)]
        Simulation(policy(gpus), gpus, hints).run()
    return figures(runs)


def table() -> str:
    """What is wanted, then every figure of every policy."""
    found = measure()
    figures: list[Row] = []
    for load, policies in found.items():
        for policy, one in policies.items():
            cells = ["–" if cell is None else f"{cell:.2f}" for cell in astuple(one)]
            figures.append((load, policy, *cells))
    heading = ("what", "measured", "the others", "wanted")
    return f"{markdown(rows(found), heading)}\n\n{markdown(figures, HEAD)}"


def rows(found: Found) -> list[Row]:
    """What is wanted of Hintline, beside the policies it is compared with; bold: who is better."""
    made: list[Row] = []
    for load, policies in found.items():
        ours = policies["Hintline"]
        others = ", ".join(
            f"**{name} {one.p95_s:.2f}**" if one.p95_s < ours.p95_s else f"{name} {one.p95_s:.2f}"
            for name, one in policies.items()
            if one is not ours
        )
        wanted = "≤ CHWBL, shared FIFO" if load in COMPARED else ""
        made.append((f"{load}: p95 to the first token, s", f"{ours.p95_s:.2f}", others, wanted))
        made.append((f"{load}: longest wait past a fair turn, s", f"{ours.late_s:.1f}", "", "≤ 20"))
    steady = {name: f"{one.reused:.1f}" for name, one in found[LOADS[0].name].items()}
    reused = steady.pop("Hintline")
    others = ", ".join(f"{name} {figure}" for name, figure in steady.items())
    made.append((f"{LOADS[0].name}: reusable prefix tokens from cache, %", reused, others, "≥ 90"))
    return made


if __name__ == "__main__":
    print(table())
