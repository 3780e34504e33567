"""One table of languages: whoever holds words for people has them in each of these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from web.courses.models import AuthoredHint, Course, Exercise
from web.courses.texts import columns, in_columns, in_language
from web.engines.models import Engine, language_choices
from web.language import locale_now, words_now
from web.tutor.diagnosis import slips
from web.tutor.evidence import explain, judged, l0, misread, raised
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.gate.draft import Draft
from web.tutor.gate.form import speaks
from web.tutor.languages import DEFAULT, LANGUAGES, OPERATORS, Locale, Words

BY_LANGUAGE: dict[str, Mapping[Locale, object]] = {
    "l0": l0.TEXTS,
    "judged": judged.OTHERWISE,
    "slips": slips.TEXTS,
    "errors": raised.ERRORS,
    "raised": raised.SAID,
    "syntax": explain.SYNTAX,
    "misread": misread.SAID,
}


@pytest.mark.parametrize("name", BY_LANGUAGE)
def test_every_text_of_the_tutor_is_in_every_language(name: str) -> None:
    texts = BY_LANGUAGE[name]

    assert texts.keys() == LANGUAGES.keys()
    # In one order too: of the parser's messages the first that fits counts.
    keys = [list(text) if isinstance(text, Mapping) else [] for text in texts.values()]
    assert all(one == keys[0] for one in keys)


@pytest.mark.parametrize(
    ("model", "field"),
    [(Course, "title"), (Exercise, "title"), (Exercise, "statement"), (Exercise, "mistakes"),
     (AuthoredHint, "text")],
)  # fmt: skip
def test_every_authored_text_has_a_column_for_every_language(
    model: type[Course | Exercise | AuthoredHint], field: str
) -> None:
    fields = [each.name for each in model._meta.get_fields()]

    assert columns(field) == [name for name in fields if name.startswith(f"{field}_")]


@pytest.mark.parametrize(
    ("title", "locale", "shown"),
    [
        ({"ko": "합", "en": "Sum"}, "ko", "합"),
        ({"ko": "합", "en": "Sum"}, "en", "Sum"),
        ({"ko": "", "en": "Sum"}, "ko", "Sum"),
        ({"ko": "합", "en": ""}, "en", "합"),
        ({"ko": "", "en": ""}, "en", ""),
    ],
)
def test_a_text_that_is_not_there_comes_in_another_language(
    title: Words, locale: Locale, shown: str
) -> None:
    assert in_language(Course(**in_columns("title", title)), "title", locale) == shown
    assert Course(**in_columns("title", title)).title(locale) == shown


@pytest.mark.parametrize(
    ("active", "locale"),
    [("ko", "ko"), ("en", "en"), ("en-gb", "en"), ("ko-kr", "ko"), ("de", DEFAULT)],
)
def test_the_readers_language_is_one_of_ours(active: str, locale: Locale) -> None:
    with translation.override(active):
        assert locale_now() == locale
        assert words_now({code: code for code in LANGUAGES}) == locale


def test_without_a_reader_it_is_the_default() -> None:
    with translation.override(None, deactivate=True):
        assert locale_now() == DEFAULT


def test_django_knows_the_same_languages() -> None:
    assert dict(settings.LANGUAGES) == {code: each.name for code, each in LANGUAGES.items()}
    assert settings.LANGUAGE_CODE == DEFAULT
    assert {DEFAULT, OPERATORS} <= LANGUAGES.keys()


def test_every_language_but_that_of_the_messages_has_its_catalogue() -> None:
    folders = {path.name for path in settings.LOCALE_PATHS[0].iterdir()}

    assert folders == LANGUAGES.keys() - {OPERATORS}


@pytest.mark.parametrize(
    ("locale", "labels"),
    [("ko", ["한국어, 영어", "한국어", "영어"]), ("en", ["Korean, English", "Korean", "English"])],
)
def test_an_engine_may_write_all_languages_or_one(locale: Locale, labels: list[str]) -> None:
    with translation.override(locale):
        choices = language_choices()

    assert choices == list(zip(["ko,en", "ko", "en"], labels, strict=True))
    assert Engine().languages == "ko,en"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Look at the loop: what does it add?", {"en"}),
        ("반복문을 보세요. 무엇을 더하나요?", {"ko"}),
        ("반복문의 accumulator 변수를 보세요.", {"ko"}),
        ("`for` 12 + 3 = ?", {"ko", "en"}),
        ("这个循环加了什么？", set()),
        ("この ループ は 何 を 足す？", set()),
        ("반복문을 보세요. 这个循环加了什么？", set()),
        ("Look at the loop. 这个循环加了什么？这个循环加了什么？", set()),
    ],
)
def test_letters_tell_the_language(text: str, spoken: set[Locale]) -> None:
    found = set()
    for locale, language in LANGUAGES.items():
        draft = Draft(language.letters)
        draft.read(text)
        if speaks(draft.prose, language):
            found.add(locale)

    assert found == spoken


BOTH_PARTICLES = re.compile(r"[이가을를은는와과]\([이가을를은는와과]\)|\([으이]\)")


def test_no_korean_text_leaves_its_particle_to_the_reader() -> None:
    texts = [
        path
        for kind in ("py", "po", "toml", "html", "js", "txt")
        for path in Path("web").rglob(f"*.{kind}")
    ]

    assert {path.suffix for path in texts} >= {".py", ".po", ".toml", ".html", ".js"}
    assert [str(path) for path in texts if BOTH_PARTICLES.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("got", "said"),
    [("3", "`3`이"), ("2", "`2`가"), ("None", "`None`이"), ("'강'", "`'강'`이"), ("[]", "`[]`가")],
)
def test_the_report_in_korean_has_the_particles_of_its_values(got: str, said: str) -> None:
    case = Case(call="f(1)", expected="True", got=got)
    report = Report(verdict=Verdict.FAILED, total=1, first=case)
    shown = Case(call="", stdin="1\n2\n", expected="3\n4\n", got=got)

    assert f"`f(1)`의 결과는 `True`여야 하는데, 지금은 {said} 나와요." in l0.l0_words(report, "ko")
    for words in (l0.l0_words, judged.judged_words):
        told = words(replace(report, first=shown), "ko")
        assert f"입력이 `1 ↵ 2`일 때 `3 ↵ 4`를 출력해야 하는데, 지금은 `{got}`" in told


def test_of_an_empty_input_the_report_says_that_it_is_empty() -> None:
    case = Case(call="", stdin="", expected="hi", got=" ")
    report = Report(verdict=Verdict.FAILED, total=1, first=case)

    assert l0.l0_words(report, "ko").startswith("입력이 (없음)일 때 `hi`를 출력해야")
    assert "the input (empty)" in l0.l0_words(report, "en")


def test_a_platforms_verdict_is_told_in_the_same_words_where_as_much_is_known() -> None:
    for locale, own in judged.OTHERWISE.items():
        assert not own.items() & l0.TEXTS[locale].items()
