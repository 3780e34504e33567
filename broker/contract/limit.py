"""A_i, the adaptive limit: how many hints an engine may have in flight, learned from its signs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

from broker.base.times import STALE_S

START = 4
SHRINK = 0.8
FULL = 0.9
"""Use, as a share of the limit, from which an engine counts as used."""
CALM_TICKS = 2
CROWDED_READINGS = 2
# vLLM preempts a running request when its cache is full: this leaves it room.
KV_FULL = 0.92


@dataclass(frozen=True, slots=True)
class Limit:
    """now: at least 1. good: below it the limit doubles; None: until the first congestion.

    calm: ticks without congestion at full use; crowded: readings with too many waiting, in a row.
    """

    now: float = START
    good: float | None = None
    calm: int = 0
    crowded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What was seen since the tick before. age_s: of the metrics, 0 if they are of this tick.

    busy: 503s; preempted: requests that the engine set aside for want of memory; waiting: for
    capacity; in_flight: hints of ours; slow: its p95 time to the first token is above the target.
    """

    in_flight: int
    busy: int = 0
    preempted: int = 0
    waiting: int = 0
    kv_usage: float = 0.0
    slow: bool = False
    age_s: float = 0.0


def step(limit: Limit, signs: Signs, most: int) -> Limit:
    """The limit after one tick of a second; at most `most`, the engine's slots."""
    if signs.age_s > STALE_S:
        return limit
    limit = replace(limit, now=min(limit.now, most), crowded=crowded(limit, signs))
    if congested(limit, signs):
        return shrunk(limit, signs)
    # An engine that was not used to its limit has not shown that it could take more.
    unused = signs.in_flight < FULL * floor(limit.now)
    if unused or limit.crowded or signs.age_s > 0:
        return replace(limit, calm=0)
    return grown(limit, most)


def crowded(limit: Limit, signs: Signs) -> int:
    """How many readings in a row have shown too many waiting; an old one is not counted twice."""
    if signs.age_s > 0:
        return limit.crowded
    return limit.crowded + 1 if signs.waiting > max(1, 0.1 * limit.now) else 0


def congested(limit: Limit, signs: Signs) -> bool:
    """Whether any one sign says that the engine has more than it can take."""
    return (
        signs.busy > 0
        or signs.preempted > 0
        or limit.crowded >= CROWDED_READINGS
        or signs.kv_usage > KV_FULL
        or signs.slow
    )


def shrunk(limit: Limit, signs: Signs) -> Limit:
    """While more is in flight than the last cut allows, its effect is still to come."""
    if signs.in_flight > limit.now:
        return replace(limit, calm=0)
    now = max(1.0, SHRINK * limit.now)
    return Limit(now, good=now)


def grown(limit: Limit, most: int) -> Limit:
    """The limit of an engine that was used and is not congested; at most `most`."""
    if limit.good is None or limit.now < limit.good:
        # Slow start, as in TCP: double up to the last limit that went well, then one at a time.
        now = min(2 * limit.now, limit.good or most, most)
        return replace(limit, now=now, calm=0)
    if limit.calm + 1 < CALM_TICKS:
        return replace(limit, calm=limit.calm + 1)
    now = min(limit.now + 1, most)
    return replace(limit, now=now, good=now, calm=0)
