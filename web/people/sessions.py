"""Who is signed in: Django's sessions and users, found by SQL that is made once."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from web.people.models import User
from web.prepared import Prepared, Slot

SESSION = Prepared(lambda: Session.objects.filter(session_key=Slot("key"), expire_date__gt=Now()))
USER = Prepared(lambda: User.objects.filter(pk=Slot("user")))


class SessionStore(db.SessionStore):
    """The setting SESSION_ENGINE names this module."""

    def _get_session_from_db(self) -> Session | None:
        found = cast(Session | None, SESSION.first(key=self.session_key or ""))
        # As Django does it: what a stranger sends is never the key of a new session.
        if found is None:
            self._session_key = None
        return found


class UserBackend(ModelBackend):
    """Django's, with its passwords and permissions."""

    def get_user(self, user_id: int) -> User | None:
        user = cast(User | None, USER.first(user=user_id))
        return user if user is not None and self.user_can_authenticate(user) else None
