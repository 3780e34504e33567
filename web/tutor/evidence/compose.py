"""Hints that are composed of facts: what a student's own program did, and a question about it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from web.tutor.evidence.blanks import Blanks
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Report, Verdict
from web.tutor.evidence.wording import TABLES, Wordings
from web.tutor.gate.draft import count_words
from web.tutor.gate.form import ends_asking
from web.tutor.gate.sentences import Sentences
from web.tutor.languages import Locale
from web.tutor.levels import LEVELS

HIGHEST = 2
"""The highest level that has sentences for all that can be told; a few things have higher ones."""


class Composed(NamedTuple):
    """level: the one whose sentences these are, at most the one that was asked for."""

    level: int
    text: str


def compose(report: Report, level: int, locale: Locale, seed: str, code: str) -> str | None:
    """The hint of the most telling fact; None where the tests found nothing to tell.

    level: the one asked for; from 2 on the line is named. seed: chooses among wordings, such as the
    hint's id. code: the student's program. A report that says nothing against the program, as of
    one that passed or was not run, gives no hint.
    """
    return next((each.text for each in candidates(report, level, locale, seed, code)), None)


def candidates(
    report: Report, level: int, locale: Locale, seed: str, code: str
) -> Iterator[Composed]:
    """Hints as compose makes them, the most telling first; the last needs the report alone."""
    sentences, whole = TABLES[locale].sentences, f"report_{report.verdict}"
    if whole not in sentences:
        return
    told: list[tuple[str, Fact | None]] = [
        (fact.kind, fact) for fact in sorted(report.facts, key=lambda fact: -fact.score)
    ]
    # Where no fact can be told, the report alone still asks the student to look.
    for kind, fact in (*told, (whole, None)):
        if kind == FactKind.LIMIT_TIME and report.verdict is Verdict.MEMORY:
            # What filled the memory was found out in a run that time had to stop.
            kind = FactKind.LIMIT_MEMORY
        rung = max(each for each in sentences[kind] if each <= level)
        wordings = chosen(sentences[kind][rung], f"{seed} {kind} {level}")
        blanks = (Blanks(report, fact, locale, code, brief=brief) for brief in (False, True))
        if text := filled(wordings, list(blanks), LEVELS[rung].max_words):
            yield Composed(rung, text)


def statements(report: Report, locale: Locale, seed: str, code: str) -> Iterator[str]:
    """What the program did, the most telling first: candidates without their questions.

    Each sentence once, with its line, and as little of a hidden case as a hint tells of it.
    """
    known: set[str] = set()
    for _, text in candidates(report, HIGHEST, locale, seed, code):
        cut = Sentences()
        parts = [part.strip() for part in (*cut.feed(text), cut.rest)]
        told = [part for part in parts if part and not ends_asking(part) and part not in known]
        known.update(told)
        if told:
            yield " ".join(told)


def chosen(wordings: Wordings, seed: str) -> Wordings:
    """The same in the order in which they are tried; the last one stays the last."""
    *equal, last = wordings
    if not equal:
        return wordings
    # The same hint is composed anew for each attempt, so chance must fall as it did before.
    start = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest()) % len(equal)
    return (*equal[start:], *equal[:start], last)


def filled(wordings: Wordings, blanks: list[Blanks], most_words: int) -> str:
    """The first wording that can be filled and is no longer than the level allows; else empty.

    blanks: what they may hold, the fullest first.
    """
    *equal, last = wordings
    # A sentence about a case that is too long to be named is better than the last one, which tells
    # nothing but the case.
    tries = [(wording, each) for each in blanks for wording in equal]
    for wording, each in (*tries, *((last, each) for each in blanks)):
        text = each.fill(wording)
        if text and count_words(text) <= most_words:
            return text
    return ""
