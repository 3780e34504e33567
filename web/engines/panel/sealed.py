"""A typed API key between the form and its confirmation: it never travels back to the browser."""

from __future__ import annotations

from secrets import token_urlsafe

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.http import HttpRequest

from web.engines.keys import cipher

SESSION = "ai_mode_key"


def keep(request: HttpRequest, key: str) -> str:
    """Puts the key into the session, encrypted as in its column; returns the draft's name for it.

    A session holds one: of two drafts at once the older must type it again.
    """
    draft = token_urlsafe(9)
    # Sessions lie in the database and in its backups, where no key may stand as text.
    request.session[SESSION] = [draft, seal().encrypt(key.encode()).decode()]
    return draft


def kept(request: HttpRequest, draft: str) -> str:
    """The key of this draft; empty where it is kept no longer."""
    name, token = request.session.get(SESSION) or ("", "")
    if not draft or name != draft:
        return ""
    try:
        return seal().decrypt(token.encode()).decode()
    except InvalidToken:
        # The secret key was changed between the form and its confirmation.
        return ""


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION, None)


def seal() -> Fernet | MultiFernet:
    return cipher(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
