"""Who calls the API: a signed-in browser with its CSRF token, or a program with an API token."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf

from web.api import problem
from web.api.models import ApiToken
from web.api.problem import Problem

MARK = "hl_"
USED_RESOLUTION = timedelta(minutes=5)


def fresh(token: ApiToken) -> str:
    """Gives the unsaved row a new secret; its text is shown now and never again."""
    text = MARK + secrets.token_urlsafe(32)
    token.prefix, token.sha256 = text[:8], digest(text)
    return text


def digest(text: str) -> str:
    # The token has 256 random bits: a slow password hash would protect nothing more.
    return hashlib.sha256(text.encode()).hexdigest()


def user_from_token(text: str) -> User | None:
    """The active owner of a valid token; notes the use, at most every five minutes."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), sha256=digest(text))
        .first()
    )
    if token is None or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


class TokenAuth(HttpBearer):
    """`Authorization: Bearer hl_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        user = user_from_token(token)
        if user is None:
            raise Problem(problem.NOT_SIGNED_IN)
        request.user = user
        return user


class BrowserAuth(SessionAuth):
    """The session cookie; a request that changes something also needs the CSRF token."""

    def __init__(self) -> None:
        super().__init__(csrf=False)

    def authenticate(self, request: HttpRequest, key: str | None) -> AbstractBaseUser:
        if not request.user.is_authenticated:
            raise Problem(problem.NOT_SIGNED_IN)
        if check_csrf(request) is not None:
            raise Problem(problem.CSRF)
        return request.user


AUTH = [TokenAuth(), BrowserAuth()]
