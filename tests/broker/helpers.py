"""Short ways to say what a broker test needs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from broker import dispatch, fleet
from broker.connect import Broker
from broker.dispatch import Claim, Grant, Placement, Ticket
from broker.keys import DOORBELLS, LEASES

TTL_S = 60


def ticket(
    hint: str,
    *,
    attempt: int = 0,
    since_ms: int = 0,
    course: str = "c",
    student: str = "",
    **other: Any,
) -> Ticket:
    """A hint without affinity, of a student of its own."""
    return Ticket(
        hint=hint,
        attempt=attempt,
        since_ms=since_ms,
        course=course,
        student=student or f"student of {hint}",
        **{"prefix": "p", "lane": "interactive", **other},
    )


def serve(broker: Broker, **slots: int) -> None:
    """One live worker for each named engine, with that many slots."""
    broker.run(fleet.set_engines(slots))
    for engine, count in slots.items():
        broker.run(fleet.beat(engine, f"{engine}@host", count, TTL_S))


def admit(broker: Broker, hint: str, **fields: Any) -> Placement:
    return broker.run(dispatch.admit(ticket(hint, **fields)))


def claimed(broker: Broker, hint: str, engine: str = "gpu0") -> int:
    """Admits a hint that will be granted, and claims it; the attempt."""
    placement = admit(broker, hint)
    assert placement.grant == Grant(hint, engine, 1)
    claim = broker.run(dispatch.claim(hint, engine, "w"))
    assert claim == Claim(1, "cold", 0)
    return claim.attempt


def scripts_run(broker: Broker) -> int:
    """How many scripts the server has been asked for by now."""
    stats = broker.client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


def let_expire(broker: Broker, hint: str, engine: str = "gpu0") -> None:
    """As if the lease's time had passed: Redis's own clock cannot be moved."""
    assert broker.client.zadd(LEASES(engine), {hint: 1}, xx=True, ch=True) == 1


def rung(broker: Broker, engine: str = "gpu0") -> list[Grant]:
    """The grants that the engine's workers are told of, the first one first."""
    return told(broker.client.lrange(DOORBELLS(engine), 0, -1))


def told(messages: Iterable[str]) -> list[Grant]:
    """The grants of these messages, which stand in the queue as the newest first."""
    grants = []
    for message in map(json.loads, messages):
        hint, _, attempt = message["headers"]["id"].rpartition("-")
        _, _, engine = message["properties"]["delivery_info"]["routing_key"].rpartition(".")
        grants.insert(0, Grant(hint, engine, int(attempt)))
    return grants
