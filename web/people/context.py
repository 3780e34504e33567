"""What every page may ask about who is signed in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest

from web.people import access


def people(request: HttpRequest) -> dict[str, Any]:
    """enters_admin: worked out only for a template that asks."""
    return {"enters_admin": partial(access.enters_admin, request.user)}
