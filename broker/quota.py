"""How many programs a user may run: one at a time, and so many a minute, over all web processes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from broker.keys import RUN, RUNS
from broker.scripts import Call, nothing

RUNS_A_MINUTE = 30


class Answer(StrEnum):
    """Whether a run may begin."""

    BEGUN = "begun"
    """It has begun, and must be ended; by itself it ends after 30 s."""
    RUNNING = "running"
    """An earlier run of the user goes on."""
    MANY = "many"
    """So many have begun within the last minute that this one must wait."""


class Turn(NamedTuple):
    """wait_s: seconds until a run may begin that came too early; 0 if nobody knows."""

    answer: Answer
    wait_s: int


def begin(user: str, token: str, *, most: int = RUNS_A_MINUTE) -> Call[Turn]:
    """Lets the user begin the run of this token. most: runs a minute; 0 for any number."""
    assert RUN.ttl_s is not None
    assert RUNS.ttl_s is not None
    args = (user, token, RUN.ttl_s * 1000, most, RUNS.ttl_s * 1000)
    return Call("begin_run", args, parse)


def end(user: str, token: str) -> Call[None]:
    """The user's next run may begin; nothing happens if this one has ended."""
    return Call("end_run", (user, token), nothing)


def parse(reply: Sequence[str | int]) -> Turn:
    answer, wait_ms = reply
    return Turn(Answer(str(answer)), -(-int(wait_ms) // 1000))
