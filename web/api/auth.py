"""Who calls the API: a signed-in browser with its CSRF token, or a program with an API token."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser, User
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf

from web.api import problem
from web.api.models import ApiToken
from web.api.problem import Problem
from web.ops import peer
from web.people.tries import Tries

MARK = "hl_"
USED_RESOLUTION = timedelta(minutes=5)
wrong_tokens = Tries(limit=60, per_s=0.2)


def fresh(token: ApiToken) -> str:
    """Gives the unsaved row a new secret; its text is shown now and never again."""
    text = MARK + secrets.token_urlsafe(32)
    token.prefix, token.sha256 = text[:8], digest(text)
    return text


def digest(text: str) -> str:
    # The token has 256 random bits: a slow password hash would protect nothing more.
    return hashlib.sha256(text.encode()).hexdigest()


def valid_token(request: HttpRequest, text: str) -> ApiToken:
    """The token, with its active owner; notes the use, at most every five minutes.

    Raises: Problem for a wrong one. An address that sends many of them is told to wait, and no
    longer whether they are wrong; a right one always works, for nobody guesses 256 bits, and a
    broken program must not lock out the others behind its address.
    """
    now = timezone.now()
    found = ApiToken.objects.valid().select_related("user").filter(sha256=digest(text)).first()
    if found is None or not found.user.is_active:
        address = peer.network(request)
        wait_s = wrong_tokens.failed(address) if address else 0
        if wait_s:
            raise Problem(problem.TOO_MANY_TRIES, retry_after_s=wait_s)
        raise Problem(problem.NOT_SIGNED_IN)
    if found.last_used_at is None or now - found.last_used_at > USED_RESOLUTION:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


class TokenAuth(HttpBearer):
    """`Authorization: Bearer hl_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        request.user = valid_token(request, token).user
        return request.user


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
