"""The policies that Hintline's placement is compared with, on the simulated fleet."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import blake2b

from tests.bench.simulation import KV_TOKENS, PREFILL_TOKENS_S, SLOTS, Gpu, Hint, Placed


class AtOnce:
    """Places every hint when it comes: choose tells the GPU."""

    def __init__(self, gpus: list[Gpu], choose: Callable[[Hint, list[Gpu]], Gpu]) -> None:
        self.gpus, self.choose = gpus, choose

    def arrive(self, hint: Hint, now: float) -> Placed:
        return [(hint, self.choose(hint, self.gpus))]

    def finish(self, hint: Hint, gpu: Gpu, now: float) -> Placed:
        return []

    def tick(self, now: float) -> Placed:
        return []


def score(*parts: object) -> int:
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def by_hash(hint: Hint, gpus: list[Gpu]) -> list[Gpu]:
    return sorted(gpus, key=lambda gpu: -score(hint.exercise, gpu.number))


def at_random(hint: Hint, gpus: list[Gpu]) -> Gpu:
    return gpus[score(hint.number) % len(gpus)]


def hashed(hint: Hint, gpus: list[Gpu]) -> Gpu:
    return by_hash(hint, gpus)[0]


def bounded(hint: Hint, gpus: list[Gpu]) -> Gpu:
    """Consistent hashing with bounded load (CHWBL), 1.25."""
    bound = math.ceil(1.25 * (sum(gpu.in_flight for gpu in gpus) + 1) / len(gpus))
    return next(gpu for gpu in by_hash(hint, gpus) if gpu.in_flight < bound)


class SharedQueue:
    """One queue for all GPUs, first come, first served: plain Celery."""

    def __init__(self, gpus: list[Gpu]) -> None:
        self.gpus = gpus
        self.waiting: deque[Hint] = deque()

    def arrive(self, hint: Hint, now: float) -> Placed:
        gpu = min(self.gpus, key=lambda gpu: gpu.in_flight / gpu.speed)
        if gpu.in_flight < SLOTS:
            return [(hint, gpu)]
        self.waiting.append(hint)
        return []

    def finish(self, hint: Hint, gpu: Gpu, now: float) -> Placed:
        return [(self.waiting.popleft(), gpu)] if self.waiting else []

    def tick(self, now: float) -> Placed:
        return []


class Prefixes:
    """Which prefixes a router believes to be in each cache: what it sent there, by last use."""

    def __init__(self, room_tokens: float) -> None:
        self.room_tokens = room_tokens
        self.sent: dict[Gpu, OrderedDict[int, int]] = {}

    def warm(self, hint: Hint, gpu: Gpu) -> bool:
        return hint.exercise in self.sent.get(gpu, ())

    def note(self, hint: Hint, gpu: Gpu) -> None:
        sent = self.sent.setdefault(gpu, OrderedDict())
        sent[hint.exercise] = hint.prefix_tokens
        sent.move_to_end(hint.exercise)
        while sum(sent.values()) > self.room_tokens:
            sent.popitem(last=False)


class TokenAware:
    """llm-d's rule: a warm GPU, until the best of them has too many uncached prompt tokens.

    Uncached are the prompt tokens of hints without a first token that the GPU had to read when they
    came. While the best warm GPU has at most τ more of them than the best other one, the warm GPUs
    alone are asked; else all are. The one with the fewest, this hint's own included, gets it.
    τ is what a GPU reads in tau_s; llm-d's default is 18 s.
    Source: prefix-cache-affinity-filter and token-load-scorer of llm-d-router, as its guide
    "optimized baseline" combines them; here the filter takes a prefix for warm whatever its share
    of the prompt is, as a share of 80 % would leave half of these prompts without any affinity.
    """

    def __init__(self, gpus: list[Gpu], tau_s: float = 18.0) -> None:
        self.gpus, self.tau_tokens = gpus, tau_s * PREFILL_TOKENS_S
        self.prefixes = Prefixes(KV_TOKENS)
        self.unread: dict[Gpu, list[tuple[Hint, int]]] = {gpu: [] for gpu in gpus}

    def arrive(self, hint: Hint, now: float) -> Placed:
        tokens = {gpu: self.uncached(gpu) for gpu in self.gpus}
        warm = [gpu for gpu in self.gpus if self.prefixes.warm(hint, gpu)]
        cold = [gpu for gpu in self.gpus if gpu not in warm]
        sticks = warm and (
            not cold
            or min(tokens[gpu] for gpu in warm) - min(tokens[gpu] for gpu in cold)
            <= self.tau_tokens
        )
        asked = warm if sticks else self.gpus
        gpu = min(asked, key=lambda gpu: (tokens[gpu] + self.to_read(hint, gpu), gpu.number))
        self.unread[gpu].append((hint, self.to_read(hint, gpu)))
        self.prefixes.note(hint, gpu)
        return [(hint, gpu)]

    def uncached(self, gpu: Gpu) -> int:
        self.unread[gpu] = [(hint, tokens) for hint, tokens in self.unread[gpu] if not hint.written]
        return sum(tokens for _, tokens in self.unread[gpu])

    def to_read(self, hint: Hint, gpu: Gpu) -> int:
        return hint.own_tokens + (0 if self.prefixes.warm(hint, gpu) else hint.prefix_tokens)

    def finish(self, hint: Hint, gpu: Gpu, now: float) -> Placed:
        return []

    def tick(self, now: float) -> Placed:
        return []


class CacheAware:
    """smg's rule `cache_aware`: the GPU that holds the prefix, unless it is far above the mean.

    It is left for the least loaded one when it has over 1.5 times the mean of requests in flight,
    and over the mean by 64, or by two standard deviations of the mean, at least 4, if that is less.
    Its index of prefixes forgets nothing at this size. Every prefix here is over the 30 % of the
    prompt that the rule wants to match.
    Source: `smg launch --help`, version 1.13.0, with its defaults.
    """

    ABSOLUTE, RELATIVE, LEAST = 64, 1.5, 4.0

    def __init__(self) -> None:
        self.prefixes = Prefixes(math.inf)

    def __call__(self, hint: Hint, gpus: list[Gpu]) -> Gpu:
        warm = [gpu for gpu in gpus if self.prefixes.warm(hint, gpu)]
        gpu = min(warm or gpus, key=lambda gpu: gpu.in_flight)
        mean = sum(gpu.in_flight for gpu in gpus) / len(gpus)
        margin = min(self.ABSOLUTE, max(self.LEAST, 2 * math.sqrt(mean)))
        if gpu.in_flight > mean + margin and gpu.in_flight > self.RELATIVE * mean:
            gpu = min(gpus, key=lambda gpu: gpu.in_flight)
        self.prefixes.note(hint, gpu)
        return gpu
