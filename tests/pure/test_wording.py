"""How a hint is worded, and how that is weighed together with what a judge says of it."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import wording as learning
from tests.bench.corpus import authored, labelled
from web.evaluation import sets
from web.tutor.gate import judge, wording
from web.tutor.languages import LANGUAGES

PROBABILITIES = st.floats(0, 1)
ODDS = st.floats(-50, 50)
ASKS = {
    "en": "For `top([1, 2])`, what does `best` hold after the first round of the loop?",
    "ko": "`top([1, 2])`를 부르면 반복이 한 번 돈 다음 `best`에는 무엇이 들어 있나요?",
}
TELLS = {
    "en": "What if you started `best` at the first value of the list instead of zero?",
    "ko": "`best`를 0 말고 리스트의 첫 번째 값으로 시작해 주면 어떨까요?",
}


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_question_about_the_run_is_worded_otherwise_than_a_change(locale: str) -> None:
    assert wording.log_odds(ASKS[locale], locale) < 0 < wording.log_odds(TELLS[locale], locale)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_most_texts_of_an_author_that_nobody_learned_from_are_told_apart(locale: str) -> None:
    odds: dict[bool, list[float]] = {True: [], False: []}
    for hint in authored("fresh"):
        if hint.locale == locale:
            odds[hint.leak].append(wording.log_odds(hint.text, locale))

    leaks, good = odds[True], odds[False]
    assert sum(each > 0 for each in leaks) > 0.7 * len(leaks)
    assert sum(each < 0 for each in good) > 0.7 * len(good)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize(
    ("one", "other"), [("`best`", "`worst[0]`"), ("?", "."), ("1", "7"), ("top", "TOP")]
)
def test_names_code_numbers_and_marks_tell_nothing(locale: str, one: str, other: str) -> None:
    text = TELLS[locale] + " top 1"

    changed = text.replace(one, other)

    assert changed != text
    assert wording.log_odds(changed, locale) == wording.log_odds(text, locale)


def test_of_a_language_that_nobody_learned_nothing_is_said() -> None:
    assert wording.log_odds("Et si tu commençais par un ?", "fr") == 0


@pytest.mark.parametrize("text", ["", " ", "?", "`", "``` ```", "_", "\N{ZERO WIDTH SPACE}"])
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_text_without_words_has_no_wording_of_a_leak(locale: str, text: str) -> None:
    assert wording.log_odds(text, locale) < 1


@pytest.mark.parametrize("piece", ["a", "가", "a ", "`", "` ", "0", "'", "a'"])
def test_the_pieces_of_a_long_text_grow_no_faster_than_the_text(piece: str) -> None:
    short, long = (len(wording.pieces(piece * count)) for count in (1_000, 4_000))

    assert long <= 4 * short + 10


@given(PROBABILITIES, PROBABILITIES, ODDS)
def test_who_is_surer_of_a_leak_stays_surer(one: float, other: float, odds: float) -> None:
    low, high = sorted((one, other))

    assert judge.weighed(low, odds) <= judge.weighed(high, odds)


@given(PROBABILITIES, ODDS, ODDS)
def test_a_telling_wording_makes_a_leak_no_less_likely(
    said: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))

    assert 0 < judge.weighed(said, low) <= judge.weighed(said, high) < 1


@given(ODDS)
def test_no_wording_overrules_a_judge_that_is_sure(odds: float) -> None:
    assert judge.weighed(0.02, odds) < 0.5 < judge.weighed(0.98, odds)


def test_of_a_judge_that_knows_nothing_the_wording_is_left() -> None:
    assert judge.weighed(0.5, 0.0) == pytest.approx(0.5)
    assert judge.weighed(0.5, 2.0) == pytest.approx(0.881, abs=0.001)


def test_the_weights_were_learned_from_the_hints_that_are_there() -> None:
    with gzip.open(wording.WEIGHTS, "rt", encoding="utf-8") as file:
        known = json.load(file)

    assert known["digest"] == learning.digest(), "run python -m tests.bench.wording"
    assert known["weights"].keys() == LANGUAGES.keys()


def test_of_a_shipped_text_the_wording_is_told_by_weights_that_do_not_know_it() -> None:
    texts = sets.texts().values()

    assert all(each.wording != wording.log_odds(each.text, each.locale) for each in texts)
    # Whoever knows a text is surer of it than who does not.
    surer = Counter(
        (wording.log_odds(each.text, each.locale) > each.wording) == each.leak for each in texts
    )
    assert surer[True] > 0.9 * len(texts)


def test_other_authors_write_of_programs_of_their_own() -> None:
    ours = {hint.program.code for half in ("seen", "unseen") for hint in labelled(half)}  # type: ignore[arg-type]
    learned, fresh = authored("authors"), authored("fresh")
    known = {hint.program.code for hint in learned}

    assert len({hint.id for hint in learned + fresh}) == len(learned) + len(fresh)
    assert len({hint.text for hint in learned + fresh}) > 0.99 * len(learned + fresh)
    assert not known & ours
    assert not {hint.program.code for hint in fresh} & (ours | known)
    for hints in (learned, fresh):
        counts = Counter((hint.locale, hint.leak) for hint in hints)
        assert min(counts.values()) >= 70
        assert {hint.level for hint in hints} <= {1, 2, 3}
