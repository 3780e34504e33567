"""How many programs a user may run: one at a time, and so many a minute, over all web processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from broker.base.times import RUN_S, RUNS_WITHIN_S
from broker.scripts import Call, nothing

RUNS_A_MINUTE = 30


class Wait(NamedTuple):
    """Why a run may not begin yet.

    running: an earlier run of the user goes on, nobody knows how long; else too many have begun
    within the last minute, and one may begin in wait_s seconds.
    """

    running: bool
    wait_s: int


def begin(user: str, token: str, *, most: int = RUNS_A_MINUTE) -> Call[Wait | None]:
    """Lets the user begin the run of this token, and answers None; it must be ended.

    By itself it ends after RUN_S. most: runs a minute; 0 for any number.
    """
    args = (user, token, 1000 * RUN_S, most, 1000 * RUNS_WITHIN_S)
    return Call("begin_run", args, parse)


def end(user: str, token: str) -> Call[None]:
    """The user's next run may begin; nothing happens if this one has ended."""
    return Call("end_run", (user, token), nothing)


def parse(reply: Sequence[str | int]) -> Wait | None:
    answer, wait_ms = reply
    # Rounded up: a second too early would be refused once more.
    return None if answer == "begun" else Wait(answer == "running", -(-int(wait_ms) // 1000))
