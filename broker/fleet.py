"""Which engines may get hints, the workers that serve them, and how busy they are."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from broker.base.times import WORKER_LIVES_S
from broker.scripts import Call, by_key, nothing, pairs

NO_TIERS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Load:
    """One engine now. slots: of live workers, at most max_slots, which is 0 if it gets no hints.

    in_flight: hints and diagnoses; ahead: of these, diagnoses that run ahead. workers: live worker
    to its slots; limit: most in flight, which is the slots cut by the engine's health; paused_s: as
    in Health. stands_by: one of an earlier tier is there, so that it gets only hints that failed on
    all of those.
    """

    slots: int
    max_slots: int
    in_flight: int
    workers: Mapping[str, int]
    limit: int = 0
    paused_s: float = 0.0
    ahead: int = 0
    stands_by: bool = False

    @property
    def hints(self) -> int:
        """Those in flight, without diagnoses."""
        return self.in_flight - self.ahead

    @property
    def alive(self) -> bool:
        """It takes hints, or will by itself."""
        return self.limit > 0 or (self.paused_s > 0 and self.slots > 0)


def worker_name(engine: str, pid: int) -> str:
    """Of a worker process on this machine; no other machine's has it."""
    return f"{engine}-{pid}@{socket.gethostname()}"


def set_engines(max_slots: Mapping[str, int], tiers: Mapping[str, int] = NO_TIERS) -> Call[None]:
    """Exactly these engines get hints from now on; others keep what they have in flight.

    tiers: of those that stand in for others: 1 for all of tier 0, which is everybody else's, and so
    on. A hint goes to a later tier as long as no engine of an earlier one is up, or once it failed
    on each of them; never because they are full.
    """
    # All in one call: with half of the fleet, scripts would find other homes for prefixes.
    args = [(name, slots, tiers.get(name, 0)) for name, slots in max_slots.items()]
    return Call("set_engines", tuple(part for each in args for part in each), nothing)


def beat(engine: str, worker: str, slots: int, ttl_s: int = WORKER_LIVES_S) -> Call[None]:
    """The worker has this many slots for the engine, until it has been silent for ttl_s."""
    return Call("beat", (engine, worker, slots, ttl_s * 1000), nothing)


def leave(engine: str, worker: str) -> Call[None]:
    """The worker takes no more hints; what it holds keeps its lease."""
    return Call("leave", (engine, worker), nothing)


def worker_died(engine: str, worker: str) -> Call[list[str]]:
    """The worker's process is gone; its hints need not wait for the end of their leases."""
    return Call("worker_died", (engine, worker), list)


def snapshot() -> Call[dict[str, Load]]:
    """Every engine that may get hints, has workers, or still holds leases."""
    return Call("snapshot", (), by_key(parse_load))


def parse_load(
    slots: int, max_slots: int, in_flight: int, limit: int, paused_ms: int, ahead: int,
    stands_by: int, *workers: str,
) -> Load:  # fmt: skip
    own_slots = {worker: int(own) for worker, own in pairs(workers).items()}
    return Load(
        slots, max_slots, in_flight, own_slots, limit, paused_ms / 1000, ahead, bool(stands_by)
    )
