"""Who may follow which hints, and how hints stand in the database. Runs in a thread, briefly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple, TypeVar

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest

from broker.contract.hint import FINAL
from web.api import problem
from web.api.auth import user_from_token
from web.api.problem import Problem
from web.events.feed import Final
from web.hints.models import Hint
from web.people import access

T = TypeVar("T")
BEARER = "bearer "
BATCH = 500


class Admitted(NamedTuple):
    """user: the primary key. finals: those of the hints that have ended."""

    user: int
    finals: dict[str, Final]


async def in_thread(work: Callable[[], T]) -> T:
    """Runs work that needs the database in a thread of its own, which ends with its connection."""
    async with ThreadSensitiveContext():
        return await sync_to_async(closing(work))()


def closing(work: Callable[[], T]) -> Callable[[], T]:
    def run() -> T:
        with closed_connections():
            return work()

    return run


@contextmanager
def closed_connections() -> Iterator[None]:
    try:
        yield
    finally:
        connections.close_all()


def admit(request: HttpRequest, hints: Iterable[str]) -> Admitted:
    """Raises: Problem for somebody unknown, and for a hint that is not there for them."""
    wanted = list(hints)
    user = who(request)
    rows = access.hints(user).filter(pk__in=wanted)
    if rows.count() < len(wanted):
        raise Problem(problem.NOT_FOUND)
    return Admitted(user.pk, finals(rows))


def who(request: HttpRequest) -> User:
    """The owner of the API token, else of the session. Raises: Problem."""
    authorization = request.headers.get("Authorization", "")
    if authorization.lower().startswith(BEARER):
        user = user_from_token(authorization[len(BEARER) :].strip())
    else:
        store = import_module(settings.SESSION_ENGINE).SessionStore
        request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        found = get_user(request)
        user = found if isinstance(found, User) else None
    if user is None:
        raise Problem(problem.NOT_SIGNED_IN)
    return user


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
