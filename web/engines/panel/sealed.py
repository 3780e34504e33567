"""A typed API key between the form and its confirmation: it never travels back to the browser."""

from __future__ import annotations

from secrets import token_urlsafe

from cryptography.fernet import InvalidToken
from django.http import HttpRequest

from web.engines.keys import cipher_now

SESSION = "ai_mode_key"


def keep(request: HttpRequest, key: str) -> str:
    """Puts the key into the session, encrypted as in its column; returns the draft's name for it.

    A session holds one: of two drafts at once the older must type it again.
    """
    draft = token_urlsafe(9)
    # Sessions lie in the database and in its backups, where no key may stand as text.
    request.session[SESSION] = [draft, cipher_now().encrypt(key.encode()).decode()]
    return draft


def kept(request: HttpRequest, draft: str) -> str:
    """The key of this draft; empty where it is kept no longer."""
    name, token = request.session.get(SESSION) or ("", "")
    if not draft or name != draft:
        return ""
    try:
        return cipher_now().decrypt(token.encode()).decode()
    except InvalidToken:
        # The secret key was changed between the form and its confirmation.
        return ""


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION, None)
