"""Composed hints of real wrong programs: each token of theirs is the student's to know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.pure.test_seed import SEED
from web.ops import judging
from web.ops.judging import hints_of, report_on
from web.runner.cases import Asserts
from web.tutor.evidence.compose import candidates, compose
from web.tutor.evidence.facts import FactKind
from web.tutor.evidence.floor import only_reference_has
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report, Verdict
from web.tutor.gate.draft import count_words
from web.tutor.gate.gate import Gate
from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

BUGS = Path(__file__).parents[1] / "data" / "buggy_python.jsonl"
each_locale = pytest.mark.parametrize("locale", LANGUAGES)
each_level = pytest.mark.parametrize("level", [1, 2])


@dataclass(frozen=True)
class Wrong:
    """A program, what it is to do, by language, a right one, and what its run showed."""

    name: str
    code: str
    statement: dict[Locale, str]
    fix: str
    report: Report

    @property
    def case(self) -> str:
        first, error = self.report.first, self.report.error
        texts = [first.call, first.expected, first.got, first.error, first.stdin] if first else []
        return " ".join([*filter(None, texts), error.kind if error else ""])

    @property
    def trace(self) -> str:
        return json.dumps([fact.as_json()["values"] for fact in self.report.facts])


def wrong() -> Iterator[Wrong]:
    for line in BUGS.read_text().splitlines():
        bug = json.loads(line)
        code, tests = bug["buggy_code"], Asserts("\n".join(bug["tests"]))
        statement = dict.fromkeys(LANGUAGES, bug["problem_statement"])
        yield Wrong(bug["id"], code, statement, bug["bug_fix"], report_on(code, tests))
    for exercise in SEED.exercises:
        row = exercise.row
        statement = {locale: row.statement(locale) for locale in LANGUAGES}
        for number, code in enumerate(exercise.wrong):
            report = report_on(code, row.tests_to_run(), row.limits())
            yield Wrong(f"{row.slug}-{number}", code, statement, row.reference, report)


@cache
def programs() -> list[Wrong]:
    return list(wrong())


def told(level: int, locale: Locale) -> Iterator[tuple[Wrong, str]]:
    """Every hint that a program may get, and not only the most telling one."""
    for each in programs():
        for _, text in candidates(each.report, level, locale, each.name, each.code):
            yield each, text


def test_every_wrong_program_gets_a_hint_at_both_levels_in_both_languages() -> None:
    assert len(programs()) > 180
    for each in programs():
        assert each.report.verdict not in (Verdict.PASSED, Verdict.NOT_RUN), each.name
        hints = hints_of(each.report, each.code, each.name)
        assert all(text for texts in hints.values() for text in texts.values()), each.name


@each_locale
@each_level
def test_every_hint_has_the_form_of_its_level(level: int, locale: Locale) -> None:
    for each, text in told(level, locale):
        assert count_words(text) <= LEVELS[level].max_words, (each.name, text)
        assert SPAN.sub("", text).count("?") == 1
        assert text.endswith("?")
        if level == 1:
            assert not re.search(r"\bline \d|\d번째 줄", text)


@each_locale
@each_level
def test_every_piece_of_code_is_of_the_program_the_case_or_the_run(
    level: int, locale: Locale
) -> None:
    for each, text in told(level, locale):
        known = set(tokens(f"{each.code} {each.case} {each.trace} … ↵"))
        assert set(tokens(" ".join(SPAN.findall(text)))) <= known, (each.name, text)


def leaks(level: int, locale: Locale) -> Iterator[tuple[str, str]]:
    """Programs whose hint holds a word of the fix that student, statement and case do not have."""
    first = {each.name: text for each, text in reversed(list(told(level, locale)))}
    for each in programs():
        text = first[each.name]
        shown = tokens(f"{each.code} {each.statement[locale]} {each.case}")
        secret = {token for token in set(tokens(each.fix)) - set(shown) if token.isalnum()}
        spans, prose = SPAN.findall(text), re.sub(r"\bline \d+|\d+번째 줄", "", SPAN.sub("", text))
        numbers = re.findall(r"\d+", prose)
        if secret & {*tokens(" ".join(spans)), *numbers}:
            yield each.name, text


@each_locale
@each_level
def test_the_hint_holds_no_word_of_the_fix_that_nobody_has_shown(
    level: int, locale: Locale
) -> None:
    assert not list(leaks(level, locale))


@each_locale
@each_level
def test_the_gate_takes_nearly_all_of_them_as_they_are(level: int, locale: Locale) -> None:
    """The few whose values happen to be pieces of the reference are not given to a student."""
    refused = []
    for each, text in told(level, locale):
        shown = f"{each.statement[locale]}\n{l0_words(each.report, locale, each.code)}"
        if only_reference_has(text, each.fix, f"{each.code}\n{shown}"):
            refused.append("reference")
            continue
        gate = Gate(
            level=level,
            locale=locale,
            student_code=each.code,
            statement="\n".join([shown, *SPAN.findall(text)]),
            reference=each.fix,
        )
        gate.feed(text)
        ruling = gate.finish()
        if ruling.text != text:
            refused.append(f"{ruling.rule} {each.name} {text}")

    assert len(refused) <= 0.02 * sum(1 for _ in told(level, locale)), refused


INNER = {
    "recursion": (
        "def f(n):\n    if n < 3:\n        return 0\n    return 1 + f(n - 3)\n",
        {"tests": "assert f(7) == 3"},
        "0",
    ),
    "helper": (
        "def half(n):\n    return n // 2\ndef f(n):\n    return half(n) + 1\n",
        {"tests": "assert f(9) == 6"},
        "4",
    ),
    "print": (
        "for text in input().split():\n    print(text)\nprint('end')\n",
        {"cases": [{"stdin": "1 2", "expected": "1\n2\nEND\n"}]},
        "end",
    ),
}


@pytest.mark.parametrize("name", INNER)
@each_locale
@each_level
def test_what_a_part_of_the_program_gives_is_not_told_as_its_result(
    name: str, locale: Locale, level: int
) -> None:
    code, tests, value = INNER[name]
    report = report_on(code, judging.tests_of(tests))
    gives = [fact for fact in report.facts if fact.kind is FactKind.GIVES]
    inner = replace(report, facts=tuple(f for f in gives if f.values["value"] == value))
    on_the_way = {"en": "on its way|on the way", "ko": "결과를 구하는 동안"}[locale]

    assert inner.facts
    for seed in "abcdef":
        text = compose(inner, level, locale, seed, code) or ""
        assert f"`{value}`" in text
        assert re.search(on_the_way, text)
