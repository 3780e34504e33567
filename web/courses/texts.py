"""The texts that authors write in each language: a column for each, `<field>_<locale>`."""

from __future__ import annotations

from web.language import locale_now
from web.tutor.languages import LANGUAGES, Locale, Words


def columns(field: str) -> list[str]:
    """The names of a text's columns."""
    return [f"{field}_{locale}" for locale in LANGUAGES]


def in_columns(field: str, words: Words) -> dict[str, str]:
    """The words by the name of the column that holds them."""
    return {f"{field}_{locale}": words[locale] for locale in LANGUAGES}


def in_language(row: object, field: str, locale: Locale | None = None) -> str:
    """The text in this language, else the reader's; in another one where its author left it empty.

    field: the name of the text, without a language.
    """
    # Importers bring exercises of one language: its words are better than none.
    texts = (getattr(row, f"{field}_{code}") for code in (locale or locale_now(), *LANGUAGES))
    return next(filter(None, texts), "")
