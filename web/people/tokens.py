"""API tokens: makes the text of a new one, and finds the row of a text that was sent."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from web.people.models import ApiToken
from web.prepared import Prepared, Slot

MARK = "hl_"
USED_RESOLUTION = timedelta(minutes=5)

VALID = Prepared(
    lambda: ApiToken.objects.valid().filter(sha256=Slot("sha256")).select_related("user")
)


def fresh(token: ApiToken) -> str:
    """Gives the unsaved row a new secret; its text is shown now and never again."""
    text = MARK + secrets.token_urlsafe(32)
    token.prefix, token.sha256 = text[:8], digest(text)
    return text


def digest(text: str) -> str:
    # The token has 256 random bits: a slow password hash would protect nothing more.
    return hashlib.sha256(text.encode()).hexdigest()


def valid(text: str) -> ApiToken | None:
    """The token of this text, with its active owner; notes the use, at most every five minutes."""
    now = timezone.now()
    found: ApiToken | None = VALID.first(sha256=digest(text))
    if found and (found.last_used_at is None or now - found.last_used_at > USED_RESOLUTION):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found
