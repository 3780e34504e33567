"""From which address a request comes, behind nginx or without it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str | None:
    """nginx's X-Real-IP where it stands before us (HINTLINE_HTTPS); else the other end's."""
    given = request.headers.get("X-Real-IP") if settings.HTTPS else None
    return given or request.META.get("REMOTE_ADDR")
