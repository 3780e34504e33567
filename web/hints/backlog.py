"""The line of waiting hints, as the web sees it: join, ask for the place, leave.

A broker that is down is no error here: the row is committed, and rescue takes it from there.
"""

from __future__ import annotations

import json

from broker import dispatch, streams
from broker.base import logs, trace
from broker.contract.events import Kind, done
from broker.contract.hint import Reason, State
from broker.dispatch import Placement, Standing
from broker.streams import Tip
from web.hints import metrics, store
from web.hints.models import Hint
from web.link import attempt


def join(hint: Hint) -> Placement | None:
    """Places a committed hint; None if the broker is down, and rescue will place it."""
    pk = str(hint.pk)
    with logs.about(hint=pk), trace.root(pk):
        return attempt(dispatch.admit(store.ticket(hint)))


def leave(hint: Hint) -> None:
    """Tells worker and watchers that this hint was cancelled; the row says so already."""
    pk = str(hint.pk)
    data = done(State.CANCELLED, Reason.CANCELLED)
    with logs.about(hint=pk):
        first = attempt(streams.close(pk, hint.attempt, data, str(hint.student_id)))
        gone = attempt(dispatch.cancel(pk))
        if first:
            metrics.cancelled(gone.place if gone else None)
        if gone and gone.freed:
            attempt(dispatch.pull(gone.freed))


def standing(hint: str) -> Standing | None:
    """The place in the line; None if the dispatcher does not know the hint."""
    return (attempt(dispatch.standing([hint])) or {}).get(hint)


def wait_s() -> int | None:
    """Seconds that a hint that comes now would wait; None if nobody knows."""
    return attempt(dispatch.wait_s())


def tip(hint: str) -> Tip | None:
    return attempt(streams.tip(hint))


def partial_text(hint: Hint) -> str:
    """What watchers have been shown of the attempt that runs now."""
    pieces: list[str] = []
    for event in attempt(streams.after(str(hint.pk))) or []:
        if event.kind is Kind.RESET:
            pieces.clear()
        if event.kind is Kind.PIECE:
            pieces.append(json.loads(event.data)["text"])
    return "".join(pieces)
