"""The language of the answer that is being made, and words in it."""

from __future__ import annotations

from django.utils.translation import get_language

from web.tutor.languages import DEFAULT, LANGUAGES, Locale, Words


def locale_now() -> Locale:
    """The reader's language, as Django found it: chosen, or of Accept-Language; else DEFAULT."""
    # Django's code may name a region too: `en-gb`.
    code = (get_language() or DEFAULT).partition("-")[0]
    return code if code in LANGUAGES else DEFAULT


def words_now(words: Words) -> str:
    """These words in the reader's language."""
    return words[locale_now()]
