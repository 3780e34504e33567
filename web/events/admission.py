"""Who may follow which hints, and how hints stand in the database. Runs in a thread, briefly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest

from broker.contract.hint import FINAL
from web.api import problem
from web.api.problem import Problem
from web.events.feed import Final
from web.hints.models import Hint
from web.people import access, acting, auth, passes
from web.people.passes import Pass

T = TypeVar("T")
BATCH = 500


class Follower(NamedTuple):
    """One person who follows one hint."""

    holder: Pass
    hint: str


async def in_thread(work: Callable[[], T]) -> T:
    """Runs work that needs the database in a thread of its own, which ends with its connection."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    # Outside such a context all calls share one thread, where a slow query would hold up the rest.
    async with ThreadSensitiveContext():
        return await sync_to_async(run)()


def admit(request: HttpRequest, hints: Sequence[str]) -> tuple[Pass, dict[str, Final]]:
    """How the person came in; and by hint the final rows of those that have ended.

    Raises: Problem for somebody unknown, and for a hint that is not there for them.
    """
    _, holder = auth.who(request)
    # All that one stream shows is one person's to read: so the first hint tells who that is.
    user = acting.reading(request, hints[0])
    rows = access.hints(user).filter(pk__in=hints)
    # One answer for a hint that does not exist and for a stranger's: nobody can probe ids.
    if rows.count() < len(hints):
        raise Problem(problem.NOT_FOUND)
    return replace(holder, user=user.pk), finals(rows.select_related(None))


def lost(followers: Sequence[Follower]) -> dict[Follower, problem.ProblemKind]:
    """Those who may follow no longer, by the same rule that admitted them, and why."""
    found: dict[Follower, problem.ProblemKind] = {}
    for first in range(0, len(followers), BATCH):
        batch = followers[first : first + BATCH]
        holding = passes.holding({each.holder for each in batch})
        users = {holder.user for holder in holding}
        may_read = access.readers({each.hint for each in batch}, users)
        for each in batch:
            if each.holder not in holding:
                found[each] = problem.NOT_SIGNED_IN
            elif (each.holder.user, each.hint) not in may_read:
                found[each] = problem.NOT_FOUND
    return found


def ended(hints: Iterable[str]) -> dict[str, Final]:
    """The final rows among these hints."""
    wanted = sorted(hints)
    found: dict[str, Final] = {}
    for first in range(0, len(wanted), BATCH):
        found |= finals(Hint.objects.filter(pk__in=wanted[first : first + BATCH]))
    return found


def finals(rows: QuerySet[Hint]) -> dict[str, Final]:
    final = rows.filter(state__in=FINAL).only("state", "reason", "text", "attempt")
    return {str(row.pk): Final(row.state, row.reason, row.text, row.attempt) for row in final}
