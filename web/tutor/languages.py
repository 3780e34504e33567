"""The languages of people: one table of those in which Hintline writes hints and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Locale: TypeAlias = str
"""Code of a language, a key of LANGUAGES; ISO 639-1."""
Words: TypeAlias = Mapping[Locale, str]
"""The same text in each language."""

HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]")
LATIN = re.compile("[A-Za-zªµºÀ-ÖØ-öø-ɏ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language, and how the gate tells that a text is in it.

    name: as its own speakers write it. letters: one letter of its script. own_min: share of a
    text's letters that are of its script, at least; foreign_max: that are neither of its script nor
    Latin, at most: names and error messages are Latin in every language. echo_words: from
    this many words in a row of the prompt's rules on, a text repeats the prompt.
    """

    name: str
    letters: re.Pattern[str]
    own_min: float
    foreign_max: float
    echo_words: int


# A further one needs, beside its entry here: its texts wherever web.tutor has them by language, its
# columns in web.courses.models and a migration, its texts in the seed, and a folder in web/locale.
LANGUAGES: dict[Locale, Language] = {
    "ko": Language(name="한국어", letters=HANGUL, own_min=0.2, foreign_max=0.1, echo_words=5),
    "en": Language(name="English", letters=LATIN, own_min=0.8, foreign_max=0.2, echo_words=8),
}
DEFAULT: Locale = "ko"
"""For who asks in none of them."""
OPERATORS: Locale = "en"
"""Of logs, command lines, and the description of the API."""
