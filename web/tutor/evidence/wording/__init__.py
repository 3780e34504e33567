"""The sentences of composed hints: a table for each language, which a teacher can read through."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from web.tutor.languages import LANGUAGES, Locale


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say something. blanks: names of what must be known of it, such as `line`."""

    text: str
    blanks: frozenset[str]


Wordings = tuple[Wording, ...]
"""Ways to say the same. The last one is taken only where no other can be filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All that hints are composed of in one language.

    sentences: by what is told, and then by level. What is told is a fact's kind, or for a report
    that comes without facts `report_` and its verdict.
    cases: how the failing case is named, by `call`, `steps` (of which the last is a value that the
    tests look at) or `stdin`, `long` for one that is too long to be named, `hidden`, or `none`
    where none is known; and `against_call`, `against_stdin`: what it should have given, and what it
    gave.
    rules: how Python wants a line to be written, by what web.tutor.evidence.forms names.
    types: kinds of values as a beginner knows them, by the class's name.
    times: how often, by count; `0` is for every other count.
    """

    sentences: Mapping[str, Mapping[int, Wordings]]
    cases: Mapping[str, str]
    rules: Mapping[str, str]
    types: Mapping[str, str]
    times: Mapping[str, str]


def load(locale: Locale) -> Table:
    """Reads a language's file beside this one."""
    # A file and no Python, so that a teacher can read and mend it.
    with Path(__file__).with_name(f"{locale}.toml").open("rb") as file:
        data = tomllib.load(file)
    sentences = {
        told: {int(level): tuple(map(_wording, texts)) for level, texts in levels.items()}
        for told, levels in data["sentences"].items()
    }
    return Table(
        sentences=sentences,
        cases=data["cases"],
        rules=data["rules"],
        types=data["types"],
        times=data["times"],
    )


def _wording(text: str) -> Wording:
    return Wording(text, frozenset(name for _, name, _, _ in Formatter().parse(text) if name))


# Read once: a student who waits for a hint must not wait for a file.
TABLES: dict[Locale, Table] = {locale: load(locale) for locale in LANGUAGES}
