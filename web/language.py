"""The language of the answer that is being made."""

from __future__ import annotations

from django.utils.translation import get_language

from web.tutor.languages import Locale


def locale_now() -> Locale:
    """That of the reader, as Django has found it out: chosen, or of Accept-Language."""
    return "ko" if (get_language() or "ko").startswith("ko") else "en"
