"""How somebody came in, and whether that still holds: asked for many open streams at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from web.api.models import ApiToken


@dataclass(frozen=True, slots=True)
class Pass:
    """A valid API token, or a session.

    user, token: primary keys. session: its key. password: the mark of the password that the session
    was opened with; a token outlives its owner's password.
    """

    user: int
    token: int | None = None
    session: str = ""
    password: str = ""


def of_token(token: ApiToken) -> Pass:
    return Pass(token.user_id, token=token.pk)


def of_session(user: User, session: str) -> Pass:
    return Pass(user.pk, session=session, password=user.get_session_auth_hash())


def sessions() -> type[SessionStore]:
    """The kind of session the site uses; it has rows."""
    store: type[SessionStore] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


def holding(passes: Collection[Pass]) -> dict[Pass, User]:
    """Those of them that still hold, with the person behind each. Three queries."""
    now = timezone.now()
    people = User.objects.filter(is_active=True).in_bulk({each.user for each in passes})
    passwords = {pk: user.get_session_auth_hash() for pk, user in people.items()}
    open_tokens = keys(
        ApiToken.objects.valid(now), {each.token for each in passes if each.token is not None}
    )
    open_sessions = keys(
        sessions().get_model_class().objects.filter(expire_date__gt=now),
        {each.session for each in passes if each.session},
    )
    return {
        each: people[each.user]
        for each in passes
        if each.user in people
        and (
            each.token in open_tokens
            if each.token is not None
            else each.session in open_sessions and each.password == passwords[each.user]
        )
    }


def keys(rows: Any, wanted: set[Any]) -> set[Any]:
    """Which of these primary keys are among the rows."""
    return set(rows.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
