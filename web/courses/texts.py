"""The texts that authors write in each language: a column for each, `<field>_<locale>`."""

from __future__ import annotations

from web.tutor.languages import LANGUAGES, Locale, Words


def columns(field: str) -> list[str]:
    """The names of a text's columns."""
    return [f"{field}_{locale}" for locale in LANGUAGES]


def in_columns(field: str, words: Words) -> dict[str, str]:
    """The words by the name of the column that holds them."""
    return {f"{field}_{locale}": words[locale] for locale in LANGUAGES}


def in_language(row: object, field: str, locale: Locale) -> str:
    """The text in this language, or in another one where its author left it empty."""
    texts = (getattr(row, f"{field}_{code}") for code in (locale, *LANGUAGES))
    return next(filter(None, texts), "")
