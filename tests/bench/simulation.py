"""A fleet of GPUs on a virtual clock: what placement policies are tried on.

Every policy sees the same arrivals and the same GPUs: continuous batching, chunked prefill, a
cache of whole prefixes by last use. It ranks policies; it does not predict a GPU.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

SLOTS = 16
PREFILL_TOKENS_S = 8000.0
STEP_S = 0.022
STEP_A_HINT_S = 0.0004
CHUNK_TOKENS = 2048
KV_TOKENS = 60_000
OWN_TOKENS = 700
TICK_S = 1.0


@dataclass(eq=False, slots=True)
class Hint:
    """One request: what is known when it arrives, then what became of it. Times in s."""

    number: int
    asked: float
    exercise: int
    course: int
    prefix_tokens: int
    own_tokens: int
    out_tokens: int
    to_read: int = 0
    written: int = 0
    hit: bool = False
    placed: float = 0.0
    first: float = 0.0
    turn: float = 0.0


@dataclass(eq=False)
class Gpu:
    """queue: placed here, without a slot; running: with one."""

    number: int
    speed: float = 1.0
    queue: deque[Hint] = field(default_factory=deque)
    running: list[Hint] = field(default_factory=list)
    cache: OrderedDict[int, int] = field(default_factory=OrderedDict)
    busy: bool = False

    @property
    def in_flight(self) -> int:
        return len(self.running) + len(self.queue)

    def start(self) -> None:
        while self.queue and len(self.running) < SLOTS:
            hint = self.queue.popleft()
            hint.hit = hint.exercise in self.cache
            hint.to_read = hint.own_tokens + (0 if hint.hit else hint.prefix_tokens)
            self.running.append(hint)

    def step_s(self) -> float:
        """Reads a chunk of prompts; how long this step takes."""
        budget = CHUNK_TOKENS
        for hint in self.running:
            taken = min(hint.to_read, budget)
            hint.to_read -= taken
            budget -= taken
        read_s = (CHUNK_TOKENS - budget) / PREFILL_TOKENS_S
        return (STEP_S + STEP_A_HINT_S * len(self.running) + read_s) / self.speed

    def step(self, end: float) -> list[Hint]:
        """Writes a token of each hint that is read; the hints that are finished then."""
        done = []
        for hint in list(self.running):
            if hint.to_read:
                continue
            hint.written += 1
            if hint.written == 1:
                hint.first = end
                self.keep(hint)
            if hint.written >= hint.out_tokens:
                self.running.remove(hint)
                done.append(hint)
        return done

    def keep(self, hint: Hint) -> None:
        self.cache[hint.exercise] = hint.prefix_tokens
        self.cache.move_to_end(hint.exercise)
        room = KV_TOKENS - OWN_TOKENS * len(self.running)
        while sum(self.cache.values()) > room and len(self.cache) > 1:
            self.cache.popitem(last=False)


Placed = list[tuple[Hint, Gpu]]


class Policy(Protocol):
    """Each call answers which hints go to which GPU now."""

    def arrive(self, hint: Hint, now: float) -> Placed: ...
    def finish(self, hint: Hint, gpu: Gpu, now: float) -> Placed: ...
    def tick(self, now: float) -> Placed: ...


class Simulation:
    """Runs arrivals until every hint is finished; fills in what became of each."""

    def __init__(self, policy: Policy, gpus: list[Gpu], arrivals: Sequence[Hint]) -> None:
        self.policy, self.gpus, self.last = policy, gpus, arrivals[-1].asked
        self.order = count()
        self.events: list[tuple[float, int, Hint | Gpu | None]] = []
        for hint in arrivals:
            self.add(hint.asked, hint)
        self.add(TICK_S, None)

    def add(self, at: float, what: Hint | Gpu | None) -> None:
        """An arrival, the end of a GPU's step, or a tick."""
        heapq.heappush(self.events, (at, next(self.order), what))

    def run(self) -> None:
        while self.events:
            now, _, what = heapq.heappop(self.events)
            if isinstance(what, Hint):
                self.place(self.policy.arrive(what, now), now)
            elif isinstance(what, Gpu):
                for hint in what.step(now):
                    self.place(self.policy.finish(hint, what, now), now)
                self.work(what, now)
            else:
                self.place(self.policy.tick(now), now)
                if now < self.last or any(gpu.in_flight for gpu in self.gpus):
                    self.add(now + TICK_S, None)

    def place(self, placed: Placed, now: float) -> None:
        for hint, gpu in placed:
            hint.placed = now
            gpu.queue.append(hint)
        for gpu in {gpu.number: gpu for _, gpu in placed if not gpu.busy}.values():
            self.work(gpu, now)

    def work(self, gpu: Gpu, now: float) -> None:
        gpu.start()
        gpu.busy = bool(gpu.running)
        if gpu.busy:
            self.add(now + gpu.step_s(), gpu)
