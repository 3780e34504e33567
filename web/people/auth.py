"""Who sends a request: a signed-in browser, whose changes need its CSRF token, or an API token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf

from web.api import problem
from web.api.problem import Problem
from web.people import peer, tokens
from web.people.models import ApiToken, User
from web.people.passes import Pass
from web.people.sessions import SessionStore
from web.people.tries import Tries

NO_TOKEN = _("This API token is wrong, or it has expired or was revoked.")
wrong_tokens = Tries(limit=60, per_s=0.2)


class TokenAuth(HttpBearer):
    """`Authorization: Bearer hl_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """The token, with its active owner.

        Raises: Problem for a wrong one. An address that sends many of them is told to wait, and no
        longer whether they are wrong; a right one always works, for nobody guesses 256 bits, and a
        broken program must not lock out the others behind its address.
        """
        found = tokens.valid(token.strip())
        if found is None:
            address = peer.network(request)
            wait_s = wrong_tokens.failed(address) if address else 0
            if wait_s:
                raise Problem(problem.TOO_MANY_TRIES, retry_after_s=wait_s)
            raise Problem(problem.NOT_SIGNED_IN, NO_TOKEN)
        request.user = found.user
        return found


class BrowserAuth(SessionAuth):
    """The session cookie; a request that changes something also needs the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """The user, or None for a stranger. Raises: Problem CSRF."""
        if request.user.is_authenticated and check_csrf(request) is not None:
            raise Problem(problem.CSRF)
        return super().authenticate(request, key)


# Ninja would ask strangers for the CSRF token too, before it tells them to sign in.
AUTH = [TokenAuth(), BrowserAuth(csrf=False)]


def who(request: HttpRequest) -> tuple[User, Pass]:
    """Who opens an event stream, by the API's rules: the owner of the token, else of the session.

    The request has its user and auth then, as one of an operation.
    Raises: Problem NOT_SIGNED_IN or TOO_MANY_TRIES.
    """
    if token := TokenAuth()(request):
        request.auth = token  # type: ignore[attr-defined]
        return token.user, Pass(token.user_id, token=token.pk)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    request.session = SessionStore(key)
    # Django gives a session that an earlier secret key signed a new key, but the answer of a
    # stream cannot bring that to the browser.
    request.session.cycle_key = lambda: None  # type: ignore[method-assign]
    user = get_user(request)
    if not isinstance(user, User):
        raise Problem(problem.NOT_SIGNED_IN)
    request.user = user
    return user, Pass(user.pk, session=key, password=user.password)
