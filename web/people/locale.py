"""The language of who asks."""

from __future__ import annotations

from django.utils.translation import get_language

from web.tutor.languages import Locale


def locale_now() -> Locale:
    """The one that is active: of the request, by its cookie or Accept-Language."""
    return "ko" if (get_language() or "ko").startswith("ko") else "en"
