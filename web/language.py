"""The language of the answer that is being made, and words in it."""

from __future__ import annotations

from django.utils.translation import get_language

from web.tutor.languages import DEFAULT, LANGUAGES, Locale, Words


def locale_now() -> Locale:
    """That of the reader, as Django has found it out: chosen, of Accept-Language, or DEFAULT."""
    code = (get_language() or DEFAULT).partition("-")[0]
    return code if code in LANGUAGES else DEFAULT


def words_now(words: Words) -> str:
    """These words in the reader's language."""
    return words[locale_now()]
