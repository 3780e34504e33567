"""The labelled hints are true to their programs, and of each exercise in one half only."""

from __future__ import annotations

import ast
import html
import json
import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

import pytest

from tests.bench import shipping
from tests.bench.corpus import (
    CODE,
    FOLDER,
    HALVES,
    WORDS,
    Attack,
    Half,
    Labelled,
    Program,
    attacks,
    authored,
    counts,
    labelled,
    programs,
)
from tests.bench.gatekeeping import by_rules, share, wilson
from web.courses import seeding
from web.evaluation.sets import texts
from web.runner.cases import Asserts, Tests
from web.runner.checker import Checker
from web.tutor.evidence.report import Verdict

HANGUL = re.compile("[가-힣]")
IN_CODE = {"comment", "string", "name", "output"}
TO_THE_WRITER = IN_CODE | {"question", "statement", "result"}
TO_THE_JUDGE = {"hint", "fix"}
BUGS = FOLDER.parent / "buggy_python.jsonl"
PROGRAMS = programs()


@cache
def hints(half: Half) -> list[Labelled]:
    return labelled(half)


def every() -> list[Labelled]:
    return [hint for half in HALVES for hint in hints(half)]


@cache
def exercises() -> dict[str, tuple[Tests, list[str]]]:
    """Tests of each exercise, and the wrong programs that it is known for."""
    found: dict[str, tuple[Tests, list[str]]] = {}
    for exercise in seeding.load(seeding.FOLDER).exercises:
        tests = exercise.row.tests_to_run()
        assert tests is not None
        found[exercise.row.slug] = (tests, exercise.wrong)
    for bug in map(json.loads, BUGS.read_text().splitlines()):
        found[bug["id"]] = (Asserts("\n".join(bug["tests"])), [bug["buggy_code"]])
    return found


@pytest.mark.parametrize("half", HALVES)
def test_each_half_has_enough_of_all(half: Half) -> None:
    found = Counter((hint.group, hint.locale) for hint in hints(half))
    by_leak = Counter(hint.leak for hint in hints(half))

    assert min(by_leak[True], by_leak[False]) >= 500
    assert found["words", "ko"] >= 125
    assert found["words", "en"] >= 125
    assert min(found.values()) >= 100
    assert {hint.level for hint in hints(half)} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("half", HALVES)
def test_each_half_knows_every_family(half: Half) -> None:
    assert {hint.family for hint in hints(half) if hint.leak} == CODE | WORDS
    assert not {hint.family for hint in hints(half) if not hint.leak} & (CODE | WORDS)


def test_no_exercise_is_in_both_halves() -> None:
    seen, unseen = ({hint.exercise for hint in hints(half)} for half in HALVES)

    assert not seen & unseen
    assert seen | unseen == exercises().keys()


def test_no_hint_is_there_twice() -> None:
    assert len({hint.id for hint in every()}) == len(every())
    assert len({(hint.program.key, hint.locale, hint.text) for hint in every()}) == len(every())


def test_no_text_is_both_a_leak_and_clean() -> None:
    told = {hint.text for hint in every() if hint.leak and hint.level < 5}

    assert not told & {hint.text for hint in every() if not hint.leak and hint.level < 5}


def test_hints_are_in_the_language_of_their_page() -> None:
    strange = {"other-script", "other-language-page"}

    for hint in every():
        if hint.family not in strange:
            assert bool(HANGUL.search(hint.text)) == (hint.locale == "ko"), hint.id


def test_a_clean_hint_holds_no_line_of_the_fix() -> None:
    for hint in every():
        if not hint.leak:
            for line in new_lines(hint.program):
                assert line not in hint.text, hint.id


READABLE = {"prose", "span", "fenced", "diff", "entities", "full-width", "zero-width"}


def test_a_leak_in_code_holds_code_that_only_the_fix_has() -> None:
    for hint in every():
        if hint.family in READABLE:
            old, new = (
                {squeezed(line) for line in text.splitlines()}
                for text in (hint.program.code, hint.program.fix)
            )
            told = squeezed(hint.text)

            assert squeezed(hint.program.fix) in told or any(line in told for line in new - old), (
                hint.id
            )


def squeezed(text: str) -> str:
    """Text as a reader sees it: blanks and breaks as one blank, nothing of no width."""
    seen = unicodedata.normalize("NFKC", html.unescape(text)).replace("\u200b", "")
    return " ".join(seen.split())


def test_clean_hints_keep_the_form_of_their_level() -> None:
    for hint in every():
        if not hint.leak and hint.level == 1:
            assert hint.text.count("?") - hint.text.count("?'") == 1, hint.id
            assert len(hint.text.split()) <= 40, hint.id
        if not hint.leak and hint.level == 2:
            assert hint.text.endswith("?"), hint.id
            assert len(hint.text.split()) <= 60, hint.id
        if not hint.leak and hint.level == 3:
            assert 40 <= len(hint.text.split()) <= 160, hint.id


def new_lines(program: Program) -> list[str]:
    """Lines that only the fix has, where they are long enough to be no chance."""
    lines = [line.strip() for line in program.fix.splitlines()]
    return [line for line in lines if len(line) >= 12 and line not in program.code]


@pytest.mark.parametrize("key", PROGRAMS)
def test_the_wrong_program_fails_and_its_fix_passes(key: str, checker: Checker) -> None:
    program = PROGRAMS[key]
    tests, wrong = exercises()[program.exercise]

    assert program.code.strip() in {code.strip() for code in wrong}
    assert checker.check(program.code, tests).verdict not in (Verdict.PASSED, Verdict.NOT_RUN)
    assert checker.check(program.fix, tests).verdict == Verdict.PASSED
    assert checker.check(program.reference, tests).verdict == Verdict.PASSED


def test_statements_are_those_of_the_exercises() -> None:
    stated: dict[str, dict[str, Any]] = {}
    for path in seeding.FOLDER.glob("[0-9]*.toml"):
        data = tomllib.loads(path.read_text())
        stated[data["slug"]] = {
            locale: data[f"statement_{locale}"].strip() for locale in ("ko", "en")
        }

    for program in PROGRAMS.values():
        if program.exercise in stated:
            assert program.statement == stated[program.exercise]
        else:
            assert set(program.statement) == {"en"}


def test_nothing_that_is_tuned_holds_a_hint_of_the_unseen_half() -> None:
    ends = {".py", ".md", ".txt", ".toml", ".json", ".jsonl"}
    rooms = [FOLDER.parents[2] / room for room in ("web", "workers")]
    read = [path for room in rooms for path in room.rglob("*") if path.suffix in ends]
    product = "\n".join(path.read_text(encoding="utf-8") for path in read)

    assert [hint.id for hint in hints("unseen") if hint.text in product] == []


def test_attacks_stand_in_all_places_in_both_languages() -> None:
    found = Counter((attack.place, attack.locale) for attack in attacks())

    places = TO_THE_WRITER | TO_THE_JUDGE
    assert found.keys() == {(place, locale) for place in places for locale in ("ko", "en")}
    assert sum(count for (place, _), count in found.items() if place in TO_THE_WRITER) >= 80
    assert len({attack.id for attack in attacks()}) == found.total()


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_an_attack_is_where_it_says(attack: Attack) -> None:
    program = attack.program

    ast.parse(attack.code)
    assert (attack.code != program.code) == (attack.place in IN_CODE)
    assert bool(attack.question) == (attack.place == "question")
    assert (attack.result is not None) == (attack.place == "result")
    assert (attack.statement != program.statement[attack.locale]) == (attack.place == "statement")
    assert attack.wants.strip()
    assert attack.fix != program.fix
    if attack.place != "comment":
        assert bool(attack.fix) == (attack.place == "fix")


@pytest.mark.parametrize("key", sorted({attack.program.key for attack in attacks()}))
def test_the_fix_of_an_attack_passes(key: str, checker: Checker) -> None:
    tests, _ = exercises()[PROGRAMS[key].exercise]
    fixes = [attack.fix for attack in attacks() if attack.fix and attack.program.key == key]

    assert {checker.check(fix, tests).verdict for fix in fixes} <= {Verdict.PASSED}


def test_the_readme_counts_what_is_there() -> None:
    assert counts() in (FOLDER / "README.md").read_text()


def test_a_hint_as_json_has_all_that_a_gate_may_know() -> None:
    row = hints("seen")[0].as_json()

    assert list(row) == [
        "id", "level", "locale", "code", "statement", "reference", "fix", "text", "leak",
        "family", "exercise",
    ]  # fmt: skip


def test_an_interval_holds_the_share_and_stays_within_bounds() -> None:
    low, high = wilson(9, 10)

    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
    assert share([True, False]) == "50.0 (9.5–90.5 of 2)"


def test_the_rules_are_asked_of_a_hint_with_its_program() -> None:
    whole = next(hint for hint in hints("seen") if hint.family == "fenced" and hint.level == 2)

    assert by_rules(whole)


def test_what_the_product_ships_may_be_looked_at() -> None:
    seen = {hint.id: hint for hint in labelled("seen") + authored("authors")}

    assert len(texts()) > 700
    # Packed anew since the rules or the half changed: python -m tests.bench.shipping.
    assert {*texts()} == {hint.id for hint in shipping.texts()}
    for text in texts().values():
        hint = seen[text.id]
        assert (text.text, text.leak, text.level) == (hint.text, hint.leak, hint.level)
        assert (text.code, text.right) == (hint.program.code, hint.program.fix)
