"""What every page may ask about who is signed in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from web.people import access


def people(request: HttpRequest) -> dict[str, Any]:
    """enters_admin: worked out only for a template that asks.

    What is refused early, such as a strange Host, is refused before it is known who asks.
    """
    user = getattr(request, "user", None) or AnonymousUser()
    return {"enters_admin": partial(access.enters_admin, user)}
