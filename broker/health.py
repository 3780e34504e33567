"""How well every engine is: its breaker, its limit, and what its metrics last said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from broker.base import times
from broker.contract.limit import SHRINK, START
from broker.scripts import Call, by_key, nothing, pairs


class EngineState(StrEnum):
    """Whether an engine may get hints."""

    UP = "up"
    """It gets hints."""
    DOWN = "down"
    """It gets none; it is asked each second whether it is back."""
    PROBING = "probing"
    """It is back and gets one hint, its canary, which decides."""


class EngineFailure(StrEnum):
    """How an attempt failed on its engine."""

    UNREACHABLE = "unreachable"
    """No connection, or an error before the first chunk."""
    BUSY = "busy"
    """503: no room."""
    RATE_LIMITED = "rate_limited"
    """429: not so often. No fault of engine or hint: both wait."""
    TIMEOUT = "timeout"
    """It went silent, or the deadline passed."""
    CUT = "cut"
    """The stream broke off."""


class Why(StrEnum):
    """Why an engine is down."""

    FAILURES = "failures"
    """FAILURE_THRESHOLD within FAILURES_WITHIN_S."""
    CANARY = "canary"
    """Its canary failed."""
    REFUSED = "refused"
    """Nothing listens at its address."""
    UNHEALTHY = "unhealthy"
    """It says itself that it is dead: 503 from /health."""
    FROZEN = "frozen"
    """It holds requests and has made no step for FROZEN_S."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an engine's metrics say; None: they do not say it. Rates are means of some seconds.

    running, waiting: requests, also those of others; kv_usage, cached_ratio: 0 to 1;
    missing: series that should be there.
    """

    running: int | None = None
    waiting: int | None = None
    kv_usage: float | None = None
    kv_tokens: int | None = None
    tokens_s: float | None = None
    cached_ratio: float | None = None
    ttft_p95_s: float | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One engine now.

    limit: most in flight, None without one; good: below it the limit doubles, None: no such mark;
    ejections: how often it went down; why: of the last time, None if it never was down or works
    again; silent_s: since a chunk of ours, None: none yet; busy: refusals for want of room, ever;
    paused_s: until it may be asked again, as it limits its rate; reading: None if older than
    READING_S.
    """

    state: EngineState = EngineState.UP
    limit: float | None = None
    good: float | None = None
    ejections: int = 0
    why: Why | None = None
    silent_s: float | None = None
    busy: int = 0
    paused_s: float = 0.0
    reading: Reading | None = None


def failed(engine: str, kind: EngineFailure, ran_s: float = 0.0) -> Call[bool]:
    """An attempt failed on the engine; True if this took it down.

    ran_s: how long the attempt ran; one from before the state last changed does not count.
    The Call carries a token, so that running the same one again counts once.
    """
    breaker = (times.FAILURE_THRESHOLD, 1000 * times.FAILURES_WITHIN_S)
    return Call("health_failed", (engine, kind, uuid4().hex, round(ran_s * 1000), *breaker), bool)


def worked(engine: str) -> Call[bool]:
    """An attempt succeeded; True if it was the canary and the engine is up again."""
    return Call("health_worked", (engine, START), bool)


def pause(engine: str, seconds: float | None, ran_s: float = 0.0) -> Call[float]:
    """It limits its rate: it gets no hint for so long, then fewer at once; answers how long.

    seconds: MOST_PAUSE_S at most; None, if it does not say, for FIRST_GROWN_PAUSE_S, then twice as
    long each time until it answers again, MOST_GROWN_PAUSE_S at most.
    ran_s: how long the attempt ran; one from before the last pause makes nothing worse.
    """
    pause_ms = "" if seconds is None else round(1000 * min(max(seconds, 0.0), times.MOST_PAUSE_S))
    most_s = times.MOST_GROWN_PAUSE_S if seconds is None else times.MOST_PAUSE_S
    bounds_ms = (1000 * times.FIRST_GROWN_PAUSE_S, 1000 * most_s)
    short_ms = 1000 * times.SHORT_PAUSE_S
    args = (engine, pause_ms, *bounds_ms, str(SHRINK), round(ran_s * 1000), short_ms)
    return Call("health_pause", args, lambda reply: int(reply) / 1000)


def progress(engine: str) -> Call[None]:
    """The engine has just sent a chunk; once a second is enough."""
    return Call("health_progress", (engine,), nothing)


def down(engine: str, why: Why) -> Call[bool]:
    """Takes it down, and requeues its hints; True if this call did it.

    FROZEN may deceive: the last engine that is up stays up.
    """
    return Call("health_down", (engine, why, int(why is Why.FROZEN)), bool)


def probe(engine: str) -> Call[bool]:
    """It answers again: its next hint is the canary; True if it was down."""
    return Call("health_probe", (engine,), bool)


def set_limit(engine: str, ejections: int, limit: float, good: float | None) -> Call[None]:
    """At most so many in flight, unless it went down again since then."""
    # What was learned of an engine before it went down does not hold for the one that came back.
    mark = "" if good is None else str(good)
    return Call("health_limit", (engine, ejections, str(limit), mark), nothing)


def read(engine: str, reading: Reading) -> Call[None]:
    """Keeps a reading for READING_S."""
    # The size of its cache is kept for good, as the dispatcher needs it.
    kv_tokens = reading.kv_tokens or ""
    return Call(
        "health_read", (engine, times.READING_S, kv_tokens, json.dumps(asdict(reading))), nothing
    )


def state() -> Call[dict[str, Health]]:
    """Every engine that may get hints, has workers, or still holds leases."""
    return Call("health_state", (), by_key(parse))


def parse(now_ms: int, flat: list[str], told: str | None) -> Health:
    fields = pairs(flat)

    def number(name: str) -> float | None:
        return float(fields[name]) if fields.get(name) else None

    def ago(name: str) -> float | None:
        return (now_ms - int(fields[name])) / 1000 if name in fields else None

    return Health(
        # An engine that was never down has no state yet.
        state=EngineState(fields.get("state", EngineState.UP)),
        limit=number("limit"),
        good=number("good"),
        ejections=int(fields.get("ejections", 0)),
        why=Why(fields["why"]) if fields.get("why") else None,
        silent_s=ago("progress_ms"),
        busy=int(fields.get("busy", 0)),
        # The end of a pause lies ahead, where ago() is negative.
        paused_s=max(0.0, -(ago("paused_ms") or 0.0)),
        reading=parse_reading(**json.loads(told)) if told else None,
    )


def parse_reading(*, missing: list[str], **fields: Any) -> Reading:
    return Reading(missing=tuple(missing), **fields)
