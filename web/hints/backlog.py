"""The backlog as the web sees it: a hint joins, asks for its position, leaves.

A broker that is down is no error here: the row is committed, and rescue takes it from there.
"""

from __future__ import annotations

from prometheus_client import Counter

from broker import dispatch
from broker.base import logs, trace
from broker.base.metrics import REGISTRY
from broker.dispatch import Placement
from broker.view import View, view
from web.hints import jobs
from web.hints.models import Hint
from web.link import attempt

CANCELLED = Counter(
    "hint_cancelled",
    "Hints taken back by their students, by where they were: waiting, granted or claimed.",
    ["stage"],
    registry=REGISTRY,
)


def join(hint: Hint, only: str = "") -> Placement | None:
    """Places a committed hint; None if the broker is down, and rescue will place it.

    only: as in Ticket.
    """
    pk = str(hint.pk)
    # The trace of the hint begins here; workers find it again by the hint's id.
    with logs.about(hint=pk), trace.root(pk):
        return attempt(dispatch.admit(jobs.ticket(hint, only)))


def leave(hint: Hint) -> None:
    """Tells worker and watchers that this hint was cancelled; the row says so already."""
    pk = str(hint.pk)
    with logs.about(hint=pk):
        gone = attempt(dispatch.cancel(pk, hint.attempt, str(hint.student_id)))
    # A second cancel finds the stream closed, and is not counted.
    if gone and gone.first:
        CANCELLED.labels(gone.phase or "unknown").inc()


def forget(hint: Hint) -> None:
    """Takes a hint out that has ended before anybody could see a word of it."""
    attempt(dispatch.forget(str(hint.pk)))


def look(hint: str, seen: str = "") -> View | None:
    """What can be seen of a hint in flight; None if the broker is down. seen: as in broker.view."""
    return attempt(view(hint, seen))


def wait_s() -> int | None:
    """Seconds that a hint that comes now would wait; None if nobody knows."""
    return attempt(dispatch.wait_s())
