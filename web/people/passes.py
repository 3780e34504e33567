"""How somebody came in, and whether that still holds: asked for many open streams at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from web.people.models import ApiToken, User


@dataclass(frozen=True, slots=True)
class Pass:
    """A valid API token, or a session.

    user, token: primary keys; the user is whoever reads, of a platform's token one of its users.
    session: its key. password: the hash of the one that was valid when the session came; a token
    outlives its owner's password.
    """

    user: int
    token: int | None = None
    session: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def holding(passes: Collection[Pass]) -> set[Pass]:
    """Those of them that still hold, in three queries that make no objects: it is asked often."""
    people = User.objects.filter(is_active=True, pk__in={each.user for each in passes})
    passwords = dict(people.values_list("pk", "password"))
    tokens = keys(ApiToken.objects.valid(), {each.token for each in passes})
    session_rows = Session.objects.filter(expire_date__gt=Now())
    open_sessions = keys(session_rows, {each.session for each in passes if each.session})
    # The pass of a session has no token, and None is never among the keys. A user who is not active
    # has no row in `passwords`, so their sessions hold no longer.
    return {
        each
        for each in passes
        if (each.token in tokens and each.user in passwords)
        or (each.session in open_sessions and each.password == passwords.get(each.user))
    }


def keys(rows: Any, wanted: set[Any]) -> set[Any]:
    """Which of these primary keys are among the rows; for none of them Django asks nothing."""
    return set(rows.filter(pk__in=wanted).values_list("pk", flat=True))
