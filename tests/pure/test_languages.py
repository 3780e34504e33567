"""One table of languages: whoever holds words for people has them in each of these."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.conf import settings
from django.utils import translation

from web.courses.models import AuthoredHint, Course, Exercise
from web.courses.texts import columns, in_columns, in_language
from web.engines.models import Engine, language_choices
from web.language import locale_now, words_now
from web.tutor.diagnosis import slips
from web.tutor.evidence import explain, l0, misread
from web.tutor.gate.draft import Draft
from web.tutor.gate.form import speaks
from web.tutor.languages import DEFAULT, LANGUAGES, OPERATORS, Locale, Words
from web.tutor.writing import policy

BY_LANGUAGE: dict[str, Mapping[Locale, object]] = {
    "l0": l0.TEXTS,
    "slips": slips.TEXTS,
    "errors": explain.ERRORS,
    "syntax": explain.SYNTAX,
    "misread": misread.SAID,
    "rules": policy.RULES,
    "retry": policy.RETRY,
    "headings": policy.HEADINGS,
    "left out": policy.LEFT_OUT,
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
