"""Who is served by which engine, and when: the Python face of the scripts that move a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

from broker.base.settings import need
from broker.base.times import AGED_S, GRANT_S, LEASE_S, STREAM_S
from broker.contract.events import done
from broker.contract.hint import Lane, Reason, State
from broker.queue import doorbell
from broker.scripts import Arg, Call, by_key, each, keys_of, nothing

GRANT_MS = GRANT_S * 1000
LEASE_MS = LEASE_S * 1000
LOST_THRESHOLD = 3
"""Attempts after which a hint ends that broke, or whose workers died: it may be the cause."""


class Phase(StrEnum):
    """Where a hint is between its admission and its end."""

    WAITING = "waiting"
    """In the backlog."""
    GRANTED = "granted"
    """It has a slot; its worker has not claimed it yet."""
    CLAIMED = "claimed"
    """A worker generates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the dispatcher knows of a hint.

    attempt: the row's last; since_ms: its first asking by Redis' clock, None for now; lane:
    interactive or batch; prefix_tokens: length of the shared prompt, 0 if an engine's cache does
    not matter. only: the one engine that may have it; empty for any. able: those that can do more
    than send it back, if that is not all; another one has it while none of them can take hints.
    """

    hint: str
    attempt: int
    prefix: str
    lane: str
    student: str
    course: str
    since_ms: int | None = None
    prefix_tokens: int = 0
    only: str = ""
    able: tuple[str, ...] = ()


class Grant(NamedTuple):
    """The right to one slot. The script that gives it also tells the engine's workers."""

    hint: str
    engine: str
    attempt: int


class Placement(NamedTuple):
    """grant: a slot that nobody has claimed.

    queue_position: from 1 in its lane, 0 out of the backlog. eta_s: until it has a slot; None if
    unknown, as it always is in the batch lane. served: whether the dispatcher knows any engine.
    """

    grant: Grant | None
    queue_position: int
    eta_s: int | None
    served: bool = True


class Standing(NamedTuple):
    """queue_position, eta_s: as in Placement. engine: None in the backlog."""

    phase: Phase
    queue_position: int
    eta_s: int | None
    engine: str | None


class Expired(NamedTuple):
    """A lease whose time is over: a grant nobody claimed, or a claim nobody renewed.

    lost: attempts at the hint, with this one, that broke or whose workers died.
    """

    hint: str
    engine: str
    attempt: int
    phase: Phase
    lost: int = 0


class LaneBacklog(NamedTuple):
    """One lane of it. size: hints; oldest_s: how long its oldest has waited, 0 if it is empty."""

    size: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Claim:
    """affinity: home, warm (the prefix was there before) or cold. since_ms: as in the ticket.

    at_ms: Redis' time of the claim.
    """

    attempt: int
    affinity: str
    since_ms: int
    at_ms: int = field(default=0, compare=False)


class Epoch(NamedTuple):
    """since_ms: when this Redis was first seen; now_ms: its time now."""

    since_ms: int
    now_ms: int


class Cancelled(NamedTuple):
    """first: its stream was open until now. phase: where it was; None if the hint is unknown.

    grants: of the slot that it had, if nobody had claimed it.
    """

    first: bool
    phase: Phase | None
    grants: list[Grant]


def admit(ticket: Ticket) -> Call[Placement]:
    """A slot at home, where the prefix is warm or where there is much room; else the backlog.

    A known hint stays where it is, which is returned.
    """
    hint = ticket.hint
    # The script is given the doorbell too: grant and message are one step, never one alone.
    fields = [
        part
        for name in ("prefix", "prefix_tokens", "lane", "student", "course")
        for part in (name, str(getattr(ticket, name)))
    ]
    fields += ["only", ticket.only] if ticket.only else []
    fields += ["able", " ".join(ticket.able)] if ticket.able else []
    since_ms = "" if ticket.since_ms is None else ticket.since_ms
    return Call(
        "admit",
        (hint, ticket.attempt, since_ms, GRANT_MS, doorbell(), *fields),
        lambda reply: parse_placement(hint, *reply),
    )


def claim(hint: str, engine: str, worker: str) -> Call[Claim | None]:
    """If this engine has a grant that nobody claimed: now it is the worker's for LEASE_S.

    The Call carries a token, so that running the same one again returns the same answer.
    """
    args = (hint, engine, f"{worker} {uuid4().hex}", LEASE_MS)
    return Call("claim", args, lambda reply: reply and Claim(*reply))


def settle(hint: str, engine: str, attempt: int, service_s: float | None) -> Call[list[Grant]]:
    """The attempt is over: its slot is free, the hint forgotten; grants are for this engine.

    service_s: from claim to now, for the mean; None leaves the mean alone (an attempt cut short).
    """
    service_ms = "" if service_s is None else round(service_s * 1000)
    args = (*pulling(engine), hint, attempt, service_ms)
    return Call("settle", args, grants_on(engine))


def requeue(hint: str, engine: str, attempt: int, exclude: bool) -> Call[list[Grant]]:
    """The attempt is over, the hint waits in the lane of retries; grants are for this engine.

    Writes QUEUED to its stream; this attempt may write no more. exclude: not on this engine again.
    """
    args = (*pulling(engine), hint, attempt, int(exclude), STREAM_S)
    return Call("requeue", args, grants_on(engine))


def broke(hint: str, engine: str, attempt: int) -> Call[None]:
    """A bug ended the attempt: it counts for LOST_THRESHOLD, and rescue takes the hint at once."""
    return Call("broke", (engine, hint, attempt), nothing)


def requeue_lost(hint: str, attempt: int) -> Call[bool]:
    """Takes the hint from an attempt that is lost; True if it waits now, after this attempt.

    Writes QUEUED to its stream; attempts up to this one write no more, even of an unknown hint.
    """
    return Call("requeue_lost", (hint, attempt, STREAM_S), bool)


def want(job: str) -> Call[None]:
    """A hint waits for this diagnosis, if it is in flight: it gives way to no other hint then."""
    return Call("want", (job,), nothing)


def pull(engine: str) -> Call[list[Grant]]:
    """Grants of the engine's free slots to waiting hints: those whose prefix it has come first."""
    return Call("pull", pulling(engine), grants_on(engine))


def renew(engine: str, attempts: Iterable[tuple[str, int]]) -> Call[list[str]]:
    """Extends the leases of (hint, attempt) by LEASE_S; returns the hints to stop: they are lost.

    Hints Redis does not know (it was wiped) are taken in again, unless their stream is closed.
    """
    flat = (part for pair in attempts for part in pair)
    return Call("renew", (engine, LEASE_MS, STREAM_S, *flat), list)


def expired() -> Call[list[Expired]]:
    """The leases whose time is over, on every engine, also those that get no more hints."""
    return Call(
        "expired",
        (),
        lambda reply: [
            Expired(hint, engine, int(attempt), Phase(phase), lost)
            for hint, engine, attempt, phase, lost in reply
        ],
    )


def cancel(hint: str, attempt: int, student: str) -> Call[Cancelled]:
    """Ends a hint that its student takes back: its stream is closed, its slot given to another.

    A claimed one is left to its worker to settle. attempt: the row's last.
    """
    # Closed in the same script: no piece of the worker can come after the final event.
    ending = (State.CANCELLED, done(State.CANCELLED, Reason.CANCELLED))
    args = (hint, attempt, STREAM_S, student, *ending, *granting())
    return Call("cancel", args, parse_cancelled)


def forget(hint: str) -> Call[str | None]:
    """Forgets a hint wherever it is; returns the engine that has a free slot now."""
    return Call("forget", (hint,), lambda reply: reply)


def standing(hints: Iterable[str]) -> Call[dict[str, Standing]]:
    """Where these hints are; unknown ones are absent."""
    return each("standing", alone(hints), by_key(parse_standing))


def known(hints: Iterable[str]) -> Call[set[str]]:
    """Those of these hints that the dispatcher knows."""
    return each("standing", alone(hints), keys_of)


def excluded(hints: Iterable[str]) -> Call[dict[str, set[str]]]:
    """Engines that failed under a hint and will not get it again; hints without any are absent."""
    return each("excluded", alone(hints), by_key(lambda *engines: set(engines)))


def backlog() -> Call[dict[Lane, LaneBacklog]]:
    """Every lane, also an empty one."""
    return Call("backlog", (), lambda reply: {Lane(one[0]): parse_lane(*one) for one in reply[2:]})


def backlog_size() -> Call[int]:
    """How many hints and diagnoses wait, over all lanes."""
    return Call("backlog", (), lambda reply: sum(size for _, size, _ in reply[2:]))


def waiting_ahead() -> Call[int]:
    """How many diagnoses wait; they are in the batch lane."""
    return Call("backlog", (), lambda reply: reply[1])


def wait_s() -> Call[int | None]:
    """Seconds until a hint that joins the interactive lane now has a slot; None if unknown."""
    return Call("backlog", (), lambda reply: reply[0])


def epoch() -> Call[Epoch]:
    """When this Redis was first seen; another time than before: it was wiped."""
    return Call("epoch", (), lambda reply: Epoch(*reply))


def alone(hints: Iterable[str]) -> Iterable[tuple[Arg, ...]]:
    """The arguments of a script that needs of a hint no more than its id."""
    return ((hint,) for hint in hints)


def pulling(engine: str) -> tuple[Arg, ...]:
    """The first arguments of every script that pulls for an engine."""
    return engine, *granting()


def granting() -> tuple[Arg, ...]:
    """What a grant needs: its time, the wait after which a hint is aged, the message to send."""
    return GRANT_MS, aged_ms(), doorbell()


@cache
def aged_ms() -> int:
    """After which wait, in ms, a hint need not wait for an engine that has its prefix."""
    # Where hints live shortly, they must be aged well before they expire.
    return round(1000 * min(AGED_S, need("HINTLINE_HINT_TTL_S", int) / 2))


def grants_on(engine: str) -> Callable[[list[Any]], list[Grant]]:
    """Parser of {{hint, attempt}, …}, as every script that pulls replies."""

    def parse(reply: list[Any]) -> list[Grant]:
        return [Grant(hint, engine, attempt) for hint, attempt in reply]

    return parse


def parse_placement(
    hint: str,
    engine: str | None,
    attempt: int,
    queue_position: int,
    eta_s: int | None,
    engines: int,
) -> Placement:
    grant = Grant(hint, engine, attempt) if engine else None
    return Placement(grant, queue_position, eta_s, served=engines > 0)


def parse_standing(
    phase: str, queue_position: int, eta_s: int | None, engine: str | None
) -> Standing:
    return Standing(Phase(phase), queue_position, eta_s, engine)


def parse_lane(lane: str, size: int, waited_ms: int) -> LaneBacklog:
    return LaneBacklog(size, waited_ms / 1000)


def parse_cancelled(reply: list[Any]) -> Cancelled:
    first, phase, engine, grants = reply
    return Cancelled(bool(first), Phase(phase) if phase else None, grants_on(engine)(grants))
