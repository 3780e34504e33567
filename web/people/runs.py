"""Who may run a program now: a user one at a time, RUNS_A_MINUTE at most, over all processes.

Without Redis each web process still holds its users to one program at a time; minutes are not
counted then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.utils.translation import gettext as _

from broker import quota
from broker.quota import RUNS_A_MINUTE
from web.api import problem
from web.api.problem import Problem
from web.link import attempt
from web.people.models import User

here: dict[int, str] = {}
"""The run of each user whose program this process runs."""


@contextmanager
def running(user: User, *, any_number: bool) -> Iterator[None]:
    """The user runs a program. any_number: a minute has no limit. Raises: Problem."""
    who, token = str(user.pk), uuid4().hex
    # One of several threads gets the place: a dictionary needs no lock for it.
    if here.setdefault(user.pk, token) != token:
        raise still_running()
    try:
        wait = attempt(quota.begin(who, token, most=0 if any_number else RUNS_A_MINUTE))
        if wait:
            raise still_running() if wait.running else too_many(wait.wait_s)
        try:
            yield
        finally:
            # The token names this run: if its time in Redis was over, a later one is not ended by
            # mistake.
            attempt(quota.end(who, token))
    finally:
        del here[user.pk]


def still_running() -> Problem:
    return Problem(problem.STILL_RUNNING, _("Wait until it is done."))


def too_many(wait_s: int) -> Problem:
    """The 429 for too many runs a minute. wait_s: until the next may begin; 0 is told as 1."""
    detail = _("You may run it %(most)d times a minute. You can go on in %(wait)d seconds.")
    return Problem(
        problem.TOO_MANY_RUNS,
        detail % {"most": RUNS_A_MINUTE, "wait": wait_s},
        retry_after_s=max(wait_s, 1),
    )
