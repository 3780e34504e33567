"""What every page's template may ask about the person who is signed in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from web.people import access


def people(request: HttpRequest) -> dict[str, Any]:
    """enters_admin: a function, so that only a template that calls it costs a query."""
    # A request that is refused early, for a strange Host say, has no user yet.
    user = getattr(request, "user", None) or AnonymousUser()
    return {"enters_admin": partial(access.enters_admin, user)}
