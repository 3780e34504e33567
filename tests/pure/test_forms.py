"""A program that Python cannot read gets the rule that its line is up against, at level 3."""

from __future__ import annotations

import pytest

from broker.contract.hint import Source
from tests.pure.test_misread import MET, PLAIN, TESTS
from web.runner.checker import Checker
from web.tutor.evidence.compose import candidates
from web.tutor.evidence.floor import floor
from web.tutor.evidence.forms import FORMS, MET_RULES, RULES, form_of, rule_of
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report
from web.tutor.evidence.wording import TABLES
from web.tutor.gate.draft import count_words
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

CONCEPT = 3
AUTHORED = "Think of the loop: when does it have to end, and what has it seen by then?"
SHIFTED = [
    ("def f(a=1, b):\n    return a", "parameters"),
    ("f(a=1, 2)", "parameters"),
    ("try:\n    x = 1\nprint(2)", "blocks"),
    ("print(f'{x')", "brackets"),
    ("x = 1\u200b", "signs"),
    ("for (i = 0; i < 3; i++) {", "form"),
    ("for (int i = 0; i < 3; i++)\n    pass", "form"),
    ("elsif x:\n    pass", "form"),
    ("asdf qwer", "values"),
    ("안녕 하세요", "values"),
]
CODES = [*(code for code, *_ in MET), *PLAIN, *(code for code, _ in SHIFTED)]
each_locale = pytest.mark.parametrize("locale", LANGUAGES)


def explained(checker: Checker, code: str) -> Report:
    return checker.explain(checker.check(code, TESTS), code, TESTS)


@each_locale
@pytest.mark.parametrize("code", CODES)
def test_the_rule_goes_before_the_authors_hint(checker: Checker, code: str, locale: Locale) -> None:
    report = explained(checker, code)

    for seed in "abcdef":
        told = candidates(report, CONCEPT, locale, seed, code)
        source, text = next(
            floor(
                level=CONCEPT,
                locale=locale,
                code=code,
                statement="Write `f(n)`, which gives twice n.",
                reference="def f(n):\n    total = 0\n    total += 2 * n\n    return total\n",
                composed=told,
                authored=AUTHORED,
                l0=l0_words(report, locale, code),
            )
        )

        assert source is Source.EVIDENCE
        assert LEVELS[CONCEPT].min_words <= count_words(text) <= LEVELS[CONCEPT].max_words
        assert str(report.facts[0].line) in text
        assert text.count("?") == 1
        assert text.endswith("?")


@pytest.mark.parametrize(("code", "rule"), SHIFTED)
def test_the_rule_is_the_one_that_the_line_is_up_against(
    checker: Checker, code: str, rule: str
) -> None:
    report = explained(checker, code)
    assert report.error
    line = code.splitlines()[(report.error.line or 1) - 1]

    assert rule_of(report.error.message, line)[0] == rule


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("for i in range(3)", FORMS["for"]),
        ("    While x < 3", FORMS["while"]),
        ("function f(n):", FORMS["def"]),
        ("else   if x:", FORMS["elif"]),
        ("else", FORMS["else"]),
        ("print 'x'", FORMS["print"]),
        ("for = 3", ""),
        ("print.x y", ""),
        ("x = 3 4", ""),
        ("", ""),
        ("\0" * 9_000, ""),
        ("else " * 9_000, FORMS["else"]),
    ],
)
def test_the_form_is_that_of_the_word_by_which_the_line_begins(line: str, form: str) -> None:
    assert form_of(line) == form


def test_every_rule_has_its_words_in_both_languages() -> None:
    named = {"form", "values", *RULES, *MET_RULES.values()}
    for table in TABLES.values():
        assert set(table.rules) == named
        for text in table.rules.values():
            assert text.endswith((".", "요."))
            assert "?" not in text
