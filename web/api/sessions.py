"""Sessions in the database, which is asked only for keys that a session can have."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS

SHORTEST = 8
"""As Django's own check has it."""


class SessionStore(db.SessionStore):
    """A cookie can spell a NUL (`"\\000"`), and PostgreSQL fails when it is asked for one."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= SHORTEST and set(key) <= set(VALID_KEY_CHARS)
