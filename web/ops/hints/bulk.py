"""An action on every hint that a filter matches: part by part, and it can be stopped at each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.http import QueryDict

from broker.contract.hint import FINAL, Reason, State
from web.hints import backlog, store
from web.hints.again import ask_again
from web.hints.models import IN_FLIGHT, Hint
from web.ops.hints.filters import Filters
from web.ops.hints.models import BulkAction
from web.ops.hints.walk import Position, Walk
from web.ops.lists.bounded import OutOfTime
from web.ops.lists.walk import count, look
from web.people.models import User

STEP_S = 0.5
"""Of one request; the last batch begins well before."""
BATCH = 100
BUSY_S = 10
COUNT_S = 0.3
MOST_COUNTED = 1_000_000
Kind, Doing = BulkAction.Kind, BulkAction.State
STATES: dict[str, Q] = {
    Kind.CANCEL: Q(state__in=IN_FLIGHT),
    Kind.DELETE: Q(state__in=sorted(FINAL)),
    # More than a quota gives nobody gets by this door.
    Kind.AGAIN: Q(state__in=(State.FAILED, State.WITHHELD)) & ~Q(reason=Reason.QUOTA),
}
"""The hints that an action is for."""


def concerned(kind: str, filters: Filters) -> QuerySet[Hint]:
    """Raises: OutOfTime."""
    return filters.rows().filter(STATES[kind])


def begin(by: User, kind: str, filters: Filters) -> BulkAction:
    """Raises: OutOfTime."""
    # Only for the bar of progress: the action ends where no hint is left.
    total = count(concerned(kind, filters), COUNT_S, MOST_COUNTED)
    row = BulkAction.objects.create(
        by=by,
        kind=kind,
        query=filters.query,
        total=total if total is not None and total <= MOST_COUNTED else None,
    )
    LogEntry.objects.log_actions(by.pk, [row], ADDITION, f"{kind}: {filters.readable}")
    return row


def step(pk: int) -> None:
    """Does the next part of it, unless it is not to be done, or another request is at it."""
    # A request that died with its process keeps nobody out for long.
    free = Q(busy_until__isnull=True) | Q(busy_until__lt=Now())
    mine = BulkAction.objects.filter(free, pk=pk, state=Doing.RUNNING)
    if not mine.update(busy_until=Now() + timedelta(seconds=BUSY_S)):
        return
    try:
        row = BulkAction.objects.get(pk=pk)
        until_s = monotonic() + STEP_S
        while monotonic() < until_s - STEP_S / 4 and row.state == Doing.RUNNING:
            part(row, until_s)
            row.refresh_from_db()
    except OutOfTime:
        pass  # The next request tries it again.
    finally:
        BulkAction.objects.filter(pk=pk).update(busy_until=None)


class Acted(NamedTuple):
    """tried: how many of the batch, from its first; done: those of them that were still so."""

    tried: int
    done: int


def part(row: BulkAction, until_s: float) -> None:
    """One batch, and where it has come to: what is done twice changes nothing the second time."""
    rows = concerned(row.kind, Filters(QueryDict(row.query))).filter(created_at__lte=row.before)
    if row.kind == Kind.DELETE:
        # Those that have ended since were not among what was confirmed.
        rows = rows.filter(finished_at__lte=row.before)
    if row.kind == Kind.AGAIN:
        rows = rows.select_related("student", "exercise__course", "submission")
    found = look(Walk(Position.read(row.cursor)), rows, BATCH, until_s - monotonic())
    hints = found.rows
    if row.kind == Kind.DELETE:
        acted = deleted(hints)
    else:
        act = cancelled if row.kind == Kind.CANCEL else ask_again
        acted = one_by_one(act, hints, until_s)
    # Where time ran out within the batch, the rest of it comes again.
    tried = hints[: acted.tried]
    end = Position.of(tried[-1]) if len(tried) < len(hints) else found.end
    done = end is None and not found.stopped
    own = BulkAction.objects.filter(pk=row.pk)
    own.update(
        done=F("done") + acted.done,
        failed=F("failed") + len(tried) - acted.done,
        cursor=str(end) if end else row.cursor,
    )
    if done and own.filter(state=Doing.RUNNING).update(state=Doing.DONE):
        row.refresh_from_db()
        told = f"{row}: {row.done} + {row.failed}"
        LogEntry.objects.log_actions(row.by_id, [row], CHANGE, told)


def deleted(hints: list[Hint]) -> Acted:
    """With their attempts and model calls. Whose time has come meanwhile is none in flight."""
    rows = Hint.objects.filter(pk__in=[hint.pk for hint in hints], state__in=sorted(FINAL))
    _all, by_model = rows.delete()
    return Acted(len(hints), by_model.get(Hint._meta.label, 0))


def one_by_one(act: Callable[[Hint], bool], hints: list[Hint], until_s: float) -> Acted:
    """As long as there is time. act: whether it did something."""
    done = 0
    for tried, hint in enumerate(hints, 1):
        done += act(hint)
        if monotonic() >= until_s:
            return Acted(tried, done)
    return Acted(len(hints), done)


def cancelled(hint: Hint) -> bool:
    """As its student would take it back."""
    if not store.cancel(str(hint.pk)):
        return False
    # The dispatcher wants the attempt that the row has now.
    hint.refresh_from_db(fields=["state", "attempt"])
    backlog.leave(hint)
    return True


def turn(by: User, row: BulkAction, to: BulkAction.State) -> None:
    """Stops it, or lets it go on from where it is; one that is done stays so."""
    others = BulkAction.objects.filter(pk=row.pk).exclude(state__in=(to, Doing.DONE))
    if others.update(state=to):
        LogEntry.objects.log_actions(by.pk, [row], CHANGE, f"{row}: {to}", single_object=True)
