"""What a model is evaluated on: the shipped set, a file, and requests whose course allows it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tests.web.kit import WRONG, queued
from web.courses.models import Course, Exercise
from web.engines.models import Engine, Mode
from web.evaluation import sets
from web.evaluation.sets import BadSet
from web.hints.models import Hint, Submission
from web.people.models import User
from web.runner.checker import checker
from web.tutor.evidence.report import Verdict
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

LINE: dict[str, Any] = {
    "id": "a", "statement": "Add two numbers.", "tests": "assert add(1, 2) == 3",
    "reference": "def add(a, b):\n    return a + b\n", "code": WRONG,
}  # fmt: skip


def read(*lines: dict[str, Any] | str) -> sets.EvaluationSet:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return sets.from_file("folder/mine.jsonl", BytesIO("\n".join(texts).encode()))


@pytest.mark.django_db
def test_every_shipped_program_is_wrong_and_its_fix_right() -> None:
    shipped = sets.shipped()

    assert len(shipped.entries) == 70
    for entry in shipped.entries:
        tests, limits = entry.exercise.tests_to_run(), entry.exercise.limits()
        assert checker().check(entry.code, tests, limits).verdict is not Verdict.PASSED
        assert checker().check(entry.fix, tests, limits).verdict is Verdict.PASSED
        assert len(entry.asked) == len(LEVELS) * len(LANGUAGES)


def test_the_shipped_set_may_go_anywhere() -> None:
    assert not any(sets.shipped().is_new_to(kind) for kind in Mode)


@pytest.mark.django_db
def test_a_line_may_bring_its_own_exercise() -> None:
    found = read(LINE, {**LINE, "id": 0, "level": 2, "locale": "ko", "fix": LINE["reference"]})

    whole, one = found.entries
    assert found.name == "mine.jsonl"
    assert (whole.name, len(whole.asked)) == ("a", len(LEVELS) * len(LANGUAGES))
    assert (one.name, one.asked, one.fix) == ("0", ((2, "ko"),), LINE["reference"])
    assert one.exercise.statement("ko") == "Add two numbers."
    assert one.exercise.tests_to_run() is not None


@pytest.mark.django_db
def test_a_line_may_have_cases_and_a_statement_by_language() -> None:
    cases = [{"stdin": "1", "expected": "2"}, {"stdin": "2", "expected": "3", "visible": False}]
    line = {**LINE, "tests": None, "cases": cases, "statement": {"ko": "더하세요.", "en": "Add."}}

    [entry] = read(line).entries

    assert [case["visible"] for case in entry.exercise.cases] == [True, False]
    assert entry.exercise.statement("ko") == "더하세요."


def test_a_line_may_name_an_exercise_of_the_site(exercise: Exercise) -> None:
    [entry] = read({"exercise": "basics/add", "code": WRONG}).entries

    assert (entry.name, entry.exercise.pk) == ("1", None)
    assert entry.exercise.reference == exercise.reference


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: the line is not JSON"),
        ("[]", "line 2: the line is no JSON object"),
        ({**LINE, "code": ""}, "line 2: `code` must be a program"),
        ({**LINE, "code": 3}, "line 2: `code` must be a text"),
        ({**LINE, "code": "\ud800"}, "line 2: `code` must be a text"),
        ({**LINE, "level": 9}, "line 2: `level` must be one of"),
        ({**LINE, "level": "1"}, "line 2: `level` must be one of"),
        ({**LINE, "level": True}, "line 2: `level` must be one of"),
        ({**LINE, "locale": "fr"}, "line 2: `locale` must be one of ko, en"),
        ({**LINE, "locale": {}}, "line 2: `locale` must be one of ko, en"),
        ({**LINE, "statement": ""}, "line 2: `statement` must be a text"),
        ({**LINE, "statement": {"en": 3}}, "line 2: `statement` must be a text"),
        ({**LINE, "statement": ["x"]}, "line 2: `statement` must be a text"),
        ({**LINE, "tests": "print(1)"}, "line 2: Line 1 is no assert"),
        ({**LINE, "tests": [3]}, "line 2: `tests` must be asserts"),
        ({**LINE, "tests": ""}, "line 2: there must be `tests` or `cases`"),
        ({**LINE, "tests": "", "cases": [3]}, "line 2: `cases` must be a list"),
        ({**LINE, "tests": "", "cases": {}}, "line 2: `cases` must be a list"),
        ({**LINE, "tests": "", "cases": [{"stdin": "1"}]}, "expected is missing"),
        ({**LINE, "cases": [{"stdin": "", "expected": "1"}]}, "asserts or cases, not both"),
        ({"exercise": "no/where", "code": WRONG}, "line 2: there is no exercise no/where"),
        (LINE, "line 2: another line has the id a"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(line: dict[str, Any] | str, why: str) -> None:
    with pytest.raises(BadSet, match="line 2") as error:
        read(LINE, line)
    assert why in str(error.value)


def test_an_empty_file_is_no_set() -> None:
    with pytest.raises(BadSet, match="has no lines"):
        read("", "  ")


@pytest.mark.django_db
def test_the_digest_tells_sets_apart() -> None:
    others = [{"code": WRONG + "\n"}, {"level": 1}, {"fix": "x"}, {"statement": "Sub."}]

    digests = [read({**LINE, **change}).digest for change in ({}, *others)]

    assert len({*digests}) == len(digests)
    assert read(LINE).digest == digests[0]


@pytest.mark.django_db
def test_a_file_goes_to_servers_of_ones_own_without_a_word() -> None:
    assert [read(LINE).is_new_to(kind) for kind in (Mode.API, Mode.VLLM, Mode.LOCAL)] == [
        True, False, False,
    ]  # fmt: skip


def asked(student: User, exercise: Exercise, code: str = WRONG, **columns: Any) -> Hint:
    hint = queued(student, exercise, code)
    Hint.objects.filter(pk=hint.pk).update(**{"state": "answered", "engine": "gpu0"} | columns)
    return hint


@pytest.fixture
def allowed(course: Course) -> Course:
    course.evaluates = True
    course.save()
    return course


def test_a_course_that_does_not_allow_it_is_left_alone(student: User, exercise: Exercise) -> None:
    asked(student, exercise)

    with pytest.raises(BadSet, match="No course that allows it"):
        sets.lately(7)


def test_requests_of_a_course_that_allows_it_are_a_set(
    allowed: Course, student: User, exercise: Exercise, engine: Engine
) -> None:
    for _ in range(2):
        asked(student, exercise, question="Why?")
    asked(student, exercise, "def add(a, b):\n    return 0\n", level=2)

    found = sets.lately(7)

    assert len(found.entries) == 2
    assert {(each.code, each.question, each.asked) for each in found.entries} == {
        (WRONG, "Why?", ((1, "ko"),)), ("def add(a, b):\n    return 0\n", "", ((2, "ko"),)),
    }  # fmt: skip
    assert found.kinds == {Mode.VLLM}
    assert [found.is_new_to(kind) for kind in (Mode.API, Mode.VLLM, Mode.LOCAL)] == [
        True, False, True,
    ]  # fmt: skip
    assert student.username not in repr(found)


@pytest.mark.parametrize("days", [8, 90])
def test_what_is_older_is_left_out(
    allowed: Course, student: User, exercise: Exercise, days: int
) -> None:
    asked(student, exercise, created_at=timezone.now() - timedelta(days=days))

    with pytest.raises(BadSet):
        sets.lately(7)


def test_what_is_older_than_raw_texts_are_kept_is_left_out(
    allowed: Course, student: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(student, exercise, created_at=timezone.now() - timedelta(days=5))
    assert sets.lately(7).entries
    monkeypatch.setattr(settings, "RAW_DAYS", 3)

    with pytest.raises(BadSet):
        sets.lately(7)


def test_a_text_that_is_gone_and_what_a_platform_judged_are_left_out(
    allowed: Course, student: User, exercise: Exercise
) -> None:
    gone, foreign = asked(student, exercise), asked(student, exercise, "def add(a, b): ...\n")
    Submission.objects.filter(pk=gone.submission_id).update(code="")
    Submission.objects.filter(pk=foreign.submission_id).update(source=Submission.Source.PLATFORM)

    with pytest.raises(BadSet):
        sets.lately(7)


def test_what_went_to_no_server_may_not_go_to_a_hosted_one(
    allowed: Course, student: User, exercise: Exercise
) -> None:
    asked(student, exercise, engine="")

    assert [sets.lately(7).is_new_to(kind) for kind in (Mode.API, Mode.VLLM, Mode.LOCAL)] == [
        True, False, False,
    ]  # fmt: skip
