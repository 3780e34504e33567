"""What an exercise's tests, cases and wrong programs must be: each thing that is wrong is named."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from web.courses.checks import (
    CASE_CHARS,
    CASES_CHARS,
    MOST_CASES,
    check_avoid,
    check_cases,
    check_examples,
    check_tests,
    check_wrong,
)
from web.courses.models import AuthoredHint, Exercise
from web.runner.cases import Asserts, Io, IoCase, RunLimits


def case(**more: Any) -> dict[str, Any]:
    plain = {"name": "1", "stdin": "1 2\n", "expected": "3\n", "visible": True}
    return plain | {"note_ko": "", "note_en": ""} | more


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in case().items() if name != key}


def exercise(**more: Any) -> Exercise:
    return Exercise(title_en="Add", statement_en="Add two numbers.", **more)


def said(check: Any, value: object) -> str:
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        check(value)
    return " ".join(caught.value.messages)


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    "source",
    [
        "assert add(1, 2) == 3",
        "import math\nassert math.isclose(half(1), 0.5)",
        "n = 3\nassert add(n, n) == 6\nassert not is_odd(4)",
        "def check(candidate):\n    assert candidate(1) == 1\n\ncheck(same)",
        "for n in range(3):\n    assert same(n) == n",
    ],
)
def test_asserts_and_what_they_need_are_tests(source: str) -> None:
    check_tests(source)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("assert add(1, 2) == 3\nadd(2, 3) == 5", "Line 2 is no assert"),
        ("print(add(1, 2))", "Line 1 is no assert"),
        ("assert add(1, 2) == 3\n\nassert True", "Line 3 is no assert"),
        ("'assert add(1, 2) == 3'", "Line 1 is no assert"),
        ("assert add(1, 2) ==", "Line 1 is not Python"),
        ("x = 1\nassert add(1, 2) == 3)", "Line 2 is not Python"),
        ("n = 1", "nobody's code could be tested"),
        ("def check(f):\n    f(1)\n\ncheck(add)", "nobody's code could be tested"),
        ("assert add(1) == 1\0", "not Python"),
        ("assert " + "(" * 5000 + ")" * 5000, "not Python"),
    ],
)
def test_what_is_no_test_is_named_by_its_line(source: str, told: str) -> None:
    assert told in said(check_tests, source)


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ({}, "list of tables"),
        ("cases", "list of tables"),
        ([case(), 3], "list of tables"),
        ([without("stdin")], "cases[1].stdin is missing"),
        ([case(), without("expected")], "cases[2].expected is missing"),
        ([without("visible")], "cases[1].visible is missing"),
        ([case(expected="")], "cases[1].expected is empty"),
        ([case(expected=" \n")], "cases[1].expected is empty"),
        ([case(stdin=3)], "cases[1].stdin must be text"),
        ([case(name=" ")], "cases[1].name is empty"),
        ([case(name=None)], "cases[1].name must be text"),
        ([case(visible=1)], "cases[1].visible must be true or false"),
        ([case(hint="x")], "cases[1].hint is no key"),
        ([case(), case()], "cases[2].name: another case has the name 1"),
        ([case(stdin="9" * (CASE_CHARS + 1))], f"cases[1].stdin has more than {CASE_CHARS}"),
        ([case(note_ko="말" * 501)], "cases[1].note_ko has more than 500"),
        ([case(name=str(n)) for n in range(MOST_CASES + 1)], f"more than {MOST_CASES} entries"),
        ([case(name=str(n), stdin="9" * CASE_CHARS) for n in range(11)], f"than {CASES_CHARS}"),
        ([case(stdin="1\0")], "cannot be stored"),
        ([case(note_en="\ud800")], "cannot be stored"),
    ],
)
def test_a_bad_case_is_named_by_number_and_key(cases: object, told: str) -> None:
    assert told in said(check_cases, cases)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("print(1)", "list of tables"),
        ([{"code": "print(1)"}], "wrong[1].why_en is missing"),
        ([{"code": " ", "why_en": ""}], "wrong[1].code is empty"),
        ([{"code": "x" * 20_001, "why_en": ""}], "wrong[1].code has more than"),
        ([{"code": "print(1)", "why_en": "", "line": 1}], "wrong[1].line is no key"),
    ],
)
def test_a_bad_wrong_program_is_named_by_number_and_key(wrong: object, told: str) -> None:
    assert told in said(check_wrong, wrong)


def example(**changes: object) -> dict[str, object]:
    return {"level": 1, "ko": "보세요.", "en": "Look."} | changes


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ("Look.", "list of tables"),
        ([{"ko": "x", "en": "y"}], "examples[1].level must be a level, 1, 2, 3"),
        ([example(level="1")], "examples[1].level must be a level"),
        ([example(), example(level=True)], "examples[2].level must be a level"),
        ([example(level=0)], "examples[1].level must be a level"),
        ([{"level": 1, "en": "x"}], "examples[1].ko is missing"),
        ([example(en=3)], "examples[1].en must be text"),
        ([example(en="", ko=" ")], "examples[1].ko is empty"),
        ([example(ko="말" * 1_001)], "examples[1].ko has more than 1000"),
        ([example(fr="x")], "examples[1].fr is no key"),
        ([example(), example(), example(level=2), example()], "Level 1 has more than 2 entries"),
        ([example(level=level) for level in (1, 2, 3)] * 4, "more than 10 entries"),
        ([example(ko="\0")], "cannot be stored"),
    ],
)
def test_a_bad_example_is_named_by_number_and_key(examples: object, told: str) -> None:
    assert told in said(check_examples, examples)


def test_examples_that_are_good() -> None:
    check_examples([])
    check_examples([example(ko=""), example(en=""), example(level=3)])


def test_words_to_avoid_are_some_and_short() -> None:
    check_avoid("")
    check_avoid("sum\n누적 합\n" + "x" * 60)

    assert "avoid[2] has more than 60 characters" in said(check_avoid, "sum\n" + "x" * 61)
    assert "more than 50 entries" in said(check_avoid, "x\n" * 51)


def problems(row: Exercise | AuthoredHint) -> dict[str, list[str]]:
    try:
        row.clean()
    except ValidationError as error:
        return error.message_dict
    return {}


def test_an_exercise_needs_its_words_in_one_language() -> None:
    assert problems(exercise()) == {}
    assert problems(Exercise(title_ko="합", statement_en="Add.")) == {}
    assert set(problems(Exercise(title_ko=" "))) == {"title_ko", "statement_ko"}
    assert problems(AuthoredHint(text_en="Look.")) == {}
    assert set(problems(AuthoredHint())) == {"text_ko"}


def test_an_exercise_has_asserts_or_cases() -> None:
    assert problems(exercise(cases=[case()])) == {}
    both = problems(exercise(cases=[case()], tests="assert add(1, 2) == 3"))
    assert both == {"tests": ["An exercise has asserts or cases, not both."]}
    everything = problems(exercise(tests="add(1)", cases=3, wrong=3))
    assert set(everything) == {"tests", "cases", "wrong"}


def test_no_tests_are_so_many_that_reading_them_keeps_others_waiting() -> None:
    check_tests("assert f(1) == 1\n" * 2_000)

    assert "more than 2,000 entries" in said(check_tests, "assert f(1) == 1\n" * 2_001)
    helper = "def check(f):\n" + "    assert f(1) == 1\n" * 2_001 + "check(f)"
    assert "more than 2,000 entries" in said(check_tests, helper)
    long = "assert f(1) == " + "9+" * 40_000 + "9"
    assert "tests has more than 65,536 characters" in said(check_tests, long)


def test_tests_in_another_language_are_not_looked_at() -> None:
    assert problems(exercise(tests="assert(1 == 1);", language="java")) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_limit_s", 0.0), ("time_limit_s", 10.5), ("time_limit_s", float("nan")),
        ("memory_limit_mib", 8), ("memory_limit_mib", 513), ("checker", "fuzzy"),
        ("absolute_tolerance", -1.0), ("absolute_tolerance", float("inf")),
        ("relative_tolerance", float("nan")),
    ],
)  # fmt: skip
def test_limits_and_tolerances_have_bounds(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        exercise(**{field: value}).clean_fields(exclude=["course", "slug"])

    assert set(caught.value.message_dict) == {field}


def test_what_a_run_gets() -> None:
    row = exercise(cases=[case(note_ko="빈 줄", visible=False)], checker="float")
    row.absolute_tolerance, row.time_limit_s, row.memory_limit_mib = 0.01, 2.0, 256

    note = {"ko": "빈 줄", "en": ""}
    first = IoCase(name="1", stdin="1 2\n", expected="3\n", visible=False, note=note)
    assert row.tests_to_run() == Io((first,), "float", 0.01, 1e-6)
    assert row.limits() == RunLimits(2.0, 256 * 2**20)
    assert exercise(tests="assert f() == 1").tests_to_run() == Asserts("assert f() == 1")
    assert exercise(tests=" \n").tests_to_run() is None
    assert exercise().limits() == RunLimits(1.0, 128 * 2**20)


def test_every_reason_is_told_in_korean_too() -> None:
    for check, value in [
        (check_tests, "assert f(1) == 1\n" * 2_001), (check_tests, "assert 1 == " + "9" * 66_000),
        (check_tests, "print(1)"), (check_tests, "assert ("), (check_tests, "n = 1"),
        (check_cases, 3), (check_cases, [without("name")]), (check_cases, [case(expected="")]),
        (check_cases, [case(visible=0)]), (check_cases, [case(), case()]),
        (check_cases, [case(stdin="\0")]), (check_cases, [case(more="")]),
        (check_examples, [example(level=9)]), (check_examples, [example()] * 3),
        (check_examples, [example(ko="", en="")]), (check_avoid, "x" * 61),
        (check_wrong, [{"code": "", "why_en": ""}]), (check_wrong, [{"code": 1, "why_en": ""}]),
        (check_cases, [case()] * 201), (check_cases, [case(stdin="9" * 100_001)]),
        (check_cases, [case(name=str(n), stdin="9" * CASE_CHARS) for n in range(11)]),
    ]:  # fmt: skip
        with translation.override("ko"), pytest.raises(ValidationError) as caught:
            check(value)
        with translation.override("ko"):
            assert re.search("[가-힣]", " ".join(caught.value.messages))
