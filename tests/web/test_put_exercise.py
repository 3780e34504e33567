"""PUT /v1/exercises: an exercise is what was sent, whoever sends it once more, and nothing less."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.web.kit import RIGHT, WRONG, Caller, at_once, live, problem
from tests.web.test_platforms import platform
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.hints.models import Hint
from web.people.models import User
from web.runner.cases import Io
from web.tutor.languages import LANGUAGES

pytestmark = pytest.mark.django_db
PATH = "/v1/exercises/basics/sum"
ASSERTS = {
    "title_ko": "합", "title_en": "Sum", "statement_en": "Return the sum.",
    "tests": "assert add(1, 2) == 3\n", "reference": RIGHT,
    "hints": {"1": {"en": "Look at the sign."}},
}  # fmt: skip
CASES = [
    {"stdin": "1 2\n", "expected": "3\n", "visible": True},
    {"name": "big", "stdin": "9 9\n", "expected": "18\n", "note_ko": "큰 수", "note_en": "Big"},
]
IO = {"title_ko": "합", "statement_ko": "합을 출력하세요.", "cases": CASES, "checker": "exact"}


@pytest.fixture
def judge(line: None, course: Course) -> Caller:
    return platform("judge", course)[1]


def stored() -> Exercise:
    return Exercise.objects.get(course__slug="basics", slug="sum")


def test_the_first_is_new_and_the_same_again_changes_nothing(judge: Caller) -> None:
    first, again = judge.put(PATH, ASSERTS), judge.put(PATH, ASSERTS)

    assert (first.status_code, again.status_code) == (201, 200)
    path = "basics/sum"
    assert first.json() == {"exercise": path, "revision": 1, "changed": True}
    assert again.json() == {"exercise": path, "revision": 1, "changed": False}
    row = stored()
    assert (row.title_en, row.tests, row.reference) == ("Sum", ASSERTS["tests"], RIGHT)
    assert AuthoredHint.objects.get().text_en == "Look at the sign."


@pytest.mark.parametrize(
    "change",
    [
        {"statement_en": "Other."},
        {"tests": "assert add(1, 2) == 3\nassert add(2, 2) == 4\n"},
        {"time_limit_s": 2},
        {"memory_limit_mib": 256},
        {"hints": {"1": {"en": "Other."}}},
        {"hints": {"1": {"en": "Look at the sign."}, "2": {"ko": "부호"}}},
        {"hints": {}},
        {"wrong": [{"code": WRONG}]},
        {"examples": [{"level": 2, "ko": "두 수를 보세요."}]},
        {"avoid": "sum\n합"},
        {"language": "kotlin"},
        {"position": 7},
    ],
    ids=lambda change: " ".join(change),
)
def test_a_change_raises_the_revision_once(judge: Caller, change: dict[str, Any]) -> None:
    judge.put(PATH, ASSERTS)

    for revision, changed in ((2, True), (2, False)):
        answer = judge.put(PATH, ASSERTS | change)
        assert answer.status_code == 200
        assert (answer.json()["revision"], answer.json()["changed"]) == (revision, changed)


def test_what_is_left_out_is_as_in_a_new_one_but_hints_and_position(judge: Caller) -> None:
    judge.put(PATH, {**ASSERTS, "position": 5, "topic": "sums"})
    judge.put(PATH, {"title_ko": "합", "statement_ko": "더하세요."})

    row = stored()
    assert (row.title_en, row.tests, row.reference, row.topic) == ("", "", "", "")
    assert (row.position, row.authored_hints.count()) == (5, 1)


def test_what_the_author_wants_of_hints(judge: Caller) -> None:
    examples = [
        {"level": 1, "ko": "", "en": "Look."}, {"level": 1, "ko": "보세요.", "en": ""},
        {"level": 3, "ko": "또 보세요.", "en": "Look again."},
    ]  # fmt: skip
    avoid = " 누적  합 \nsum\n\n누적 합\n"
    assert judge.put(PATH, {**ASSERTS, "examples": examples, "avoid": avoid}).status_code == 201

    row = stored()
    assert row.examples == examples
    assert (row.examples_for(1, "en"), row.examples_for(1, "ko")) == (("Look.",), ("보세요.",))
    assert (row.examples_for(2, "ko"), row.examples_for(3, "ko")) == ((), ("또 보세요.",))
    assert row.words_to_avoid() == ("누적 합", "sum")


def test_cases_of_a_program_that_reads_and_prints(judge: Caller) -> None:
    assert judge.put(PATH, IO).status_code == 201
    assert not judge.put(PATH, IO).json()["changed"]

    row = stored()
    assert row.checker == "exact"
    assert row.cases == [
        {
            "name": "1", "stdin": "1 2\n", "expected": "3\n", "visible": True,
            "note_ko": "", "note_en": "",
        },
        {
            "name": "big", "stdin": "9 9\n", "expected": "18\n", "visible": False,
            "note_ko": "큰 수", "note_en": "Big",
        },
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["java", "kotlin", "c", "csharp", "f#", "objective-c"])
def test_an_exercise_in_any_language(judge: Caller, language: str) -> None:
    live()
    assert judge.put(PATH, {**ASSERTS, "tests": "", "language": language}).status_code == 201

    body = {"exercise": "basics/sum", "level": 1, "code": "main", "on_behalf_of": "a"}
    answer = judge.post("/v1/hints", body | {"result": {"status": "failed"}})
    assert answer.status_code == 202


def test_the_page_names_the_language(judge: Caller, student: User) -> None:
    for language, shown in (("kotlin", "Kotlin"), ("zig", "zig"), ("cpp", "C++")):
        judge.put(PATH, {**ASSERTS, "tests": "", "language": language})
        page = Caller(student).get("/c/basics/sum/").content.decode()
        assert f'<span class="chip">{shown}</span>' in page


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"title_ko": "", "title_en": " "}, "title_ko"),
    "no statement": ({"statement_en": ""}, "statement_ko"),
    "a title of 201": ({"title_en": "x" * 201}, "title_en"),
    "a title that is a list": ({"title_en": ["x"]}, "title_en"),
    "a NUL": ({"statement_en": "a\0b"}, "statement_en"),
    "half a character": ({"statement_en": "\ud83d"}, "statement_en"),
    "an unknown key": ({"titel": "x"}, "titel"),
    "a language in capitals": ({"language": "Java"}, "language"),
    "a long language": ({"language": "x" * 13}, "language"),
    "a test that is no assert": ({"tests": "assert add(1, 2) == 3\nprint(add(1, 2))"}, "tests"),
    "tests that are not Python": ({"tests": "assert add(1, 2 == 3"}, "tests"),
    "asserts and cases": ({"cases": CASES}, "tests"),
    "cases that are a table": ({"cases": {"stdin": ""}}, "cases"),
    "a case that is a text": ({"cases": ["1 2"]}, "cases[0]"),
    "a case without output": (
        {"tests": "", "cases": [*CASES, {"stdin": "1"}]},
        "cases[2].expected",
    ),
    "a case with empty output": ({"tests": "", "cases": [{"expected": " "}]}, "cases"),
    "a case with another key": ({"cases": [CASES[0] | {"output": ""}]}, "cases[0].output"),
    "a case with a NUL": ({"cases": [CASES[0] | {"stdin": "\0"}]}, "cases[0].stdin"),
    "a case that is seen a bit": ({"cases": [CASES[0] | {"visible": 1}]}, "cases[0].visible"),
    "a long case": ({"cases": [CASES[0] | {"stdin": "x" * 100_001}]}, "cases[0].stdin"),
    "a long note": ({"cases": [CASES[0] | {"note_ko": "x" * 501}]}, "cases[0].note_ko"),
    "two cases of one name": ({"cases": [CASES[1], CASES[1]]}, "cases"),
    "201 cases": ({"cases": [CASES[0]] * 201}, "cases"),
    "another checker": ({"checker": "fuzzy"}, "checker"),
    "a negative tolerance": ({"absolute_tolerance": -1}, "absolute_tolerance"),
    "a tolerance in words": ({"relative_tolerance": "1e-6"}, "relative_tolerance"),
    "eleven seconds": ({"time_limit_s": 11}, "time_limit_s"),
    "a gigabyte": ({"memory_limit_mib": 1024}, "memory_limit_mib"),
    "memory as a huge number": ({"memory_limit_mib": 10**40}, "memory_limit_mib"),
    "a position below zero": ({"position": -1}, "position"),
    "hints as a list": ({"hints": ["x"]}, "hints"),
    "a hint of level 9": ({"hints": {"9": {"en": "x"}}}, "hints.9"),
    "a hint in no words": ({"hints": {"1": {"ko": " "}}}, "hints.1"),
    "a hint in French": ({"hints": {"1": {"fr": "x"}}}, "hints.1.fr"),
    "a wrong program without code": ({"wrong": [{"code": ""}]}, "wrong[0].code"),
    "an example of no level": ({"examples": [{"en": "x"}]}, "examples[0].level"),
    "an example of level 9": ({"examples": [{"level": 9, "en": "x"}]}, "examples[0].level"),
    "an example of level true": ({"examples": [{"level": True, "en": "x"}]}, "examples[0].level"),
    "an example in no words": ({"examples": [{"level": 1, "en": " "}]}, "examples"),
    "an example in French": (
        {"examples": [{"level": 1, "fr": "x"}]},
        "examples[0].fr",
    ),
    "a long example": ({"examples": [{"level": 1, "ko": "가" * 1_001}]}, "examples[0].ko"),
    "three examples of a level": ({"examples": [{"level": 1, "en": "x"}] * 3}, "examples"),
    "eleven examples": ({"examples": [{"level": 1, "en": "x"}] * 11}, "examples"),
    "a list of words to avoid": ({"avoid": ["sum"]}, "avoid"),
    "a long word to avoid": ({"avoid": "sum\n" + "x" * 61}, "avoid"),
    "51 words to avoid": ({"avoid": "\n".join("x" * 51)}, "avoid"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_told_by_field(judge: Caller, name: str) -> None:
    change, where = BAD[name]
    before = judge.put("/v1/exercises/basics/other", ASSERTS).status_code

    for language in LANGUAGES:
        caller = Caller(token="", language=language)
        caller.client, caller.headers = judge.client, judge.headers | caller.headers
        errors = problem(caller.put(PATH, json.dumps(ASSERTS | change)), 422, "invalid")["errors"]
        assert where in [each["where"] for each in errors]
        assert errors[0]["what"]
        hangul = [any("가" <= char <= "힣" for char in each["what"]) for each in errors]
        assert hangul == [language == "ko"] * len(errors)
    assert before == 201
    assert Exercise.objects.count() == 1


def test_a_bad_change_leaves_the_exercise_as_it_is(judge: Caller) -> None:
    judge.put(PATH, ASSERTS)
    before = Exercise.objects.values().get()

    bad = {"statement_en": "Other.", "hints": {"1": {"en": "x"}}, "tests": "print(1)"}
    problem(judge.put(PATH, ASSERTS | bad), 422, "invalid")

    assert Exercise.objects.values().get() == before
    assert AuthoredHint.objects.get().text_en == "Look at the sign."


def test_a_body_of_two_megabytes_is_refused(judge: Caller) -> None:
    problem(judge.put(PATH, ASSERTS | {"statement_en": "x" * 2_000_000}), 413, "too-large")


@pytest.mark.parametrize("path", ["/v1/exercises/basics/a b", "/v1/exercises/basics/%00"])
def test_an_address_that_is_none(judge: Caller, path: str) -> None:
    assert judge.put(path, ASSERTS).status_code in (404, 422)
    assert not Exercise.objects.exists()


def test_a_slug_that_is_too_long_is_told(judge: Caller) -> None:
    errors = problem(judge.put(f"/v1/exercises/basics/{'x' * 51}", ASSERTS), 422, "invalid")

    assert [each["where"] for each in errors["errors"]] == ["slug"]


def test_only_who_may_write_writes(
    judge: Caller, student: User, stranger: Caller, teacher: Caller, course: Course
) -> None:
    other = platform("other", Course.objects.create(slug="else", title_ko="x", title_en="x"))[1]

    problem(Caller().put(PATH, ASSERTS), 401, "not-signed-in")
    problem(Caller(student).put(PATH, ASSERTS), 403, "forbidden")
    for nobody in (stranger, other):
        problem(nobody.put(PATH, ASSERTS), 404, "not-found")
    problem(judge.put("/v1/exercises/else/sum", ASSERTS), 404, "not-found")
    problem(judge.put("/v1/exercises/none/sum", ASSERTS), 404, "not-found")
    assert not Exercise.objects.filter(slug="sum").exists()
    assert teacher.put(PATH, ASSERTS).status_code == 201
    assert judge.put(PATH, ASSERTS).status_code == 200


def test_a_platforms_user_writes_nothing(judge: Caller, exercise: Exercise) -> None:
    """Even where a teacher made them one too: nobody says here for whom it is written."""
    live()
    judge.ask(on_behalf_of="alice")
    Membership.objects.update(role=Membership.Role.TEACHER)
    Exercise.objects.get().course.platforms.clear()

    problem(judge.put(PATH, ASSERTS), 404, "not-found")


def test_a_course_that_was_deleted_takes_no_exercise(judge: Caller, course: Course) -> None:
    course.delete()

    problem(judge.put(PATH, ASSERTS), 404, "not-found")


@pytest.mark.django_db(transaction=True)
def test_many_first_writes_at_once_make_one_exercise(line: None, course: Course) -> None:
    judges = [platform(f"judge{number}", course)[1] for number in range(6)]

    def write(judge: Caller) -> tuple[int, bool]:
        answer = judge.put(PATH, ASSERTS)
        return answer.status_code, answer.json()["changed"]

    answers = at_once(*(partial(write, judge) for judge in judges))

    assert sorted(answers) == [(200, False)] * 5 + [(201, True)]
    assert (stored().revision, AuthoredHint.objects.count()) == (1, 1)


@pytest.mark.parametrize("loose", [True, False])
def test_letter_case_counts_or_does_not(judge: Caller, loose: bool) -> None:
    assert judge.put(PATH, IO | {"ignores_case": loose}).status_code == 201

    tests = stored().tests_to_run()
    assert isinstance(tests, Io)
    assert tests.ignores_case is loose


def test_a_hint_of_before_stays_with_its_exercise(judge: Caller) -> None:
    live()
    judge.put(PATH, ASSERTS)
    asked = judge.ask(exercise="basics/sum", on_behalf_of="alice").json()
    judge.put(PATH, IO)

    assert judge.get(asked["links"]["self"]).status_code == 200
    assert Hint.objects.get().exercise == stored()


def test_lengths_are_told_in_what_they_count(judge: Caller) -> None:
    body = ASSERTS | {"title_en": "x" * 201, "cases": [CASES[0]] * 201}

    errors = problem(judge.put(PATH, body), 422, "invalid")["errors"]

    told = {each["where"]: each["what"] for each in errors}
    assert told == {
        "title_en": "It may have 200 characters at most.",
        "cases": "It may have 200 entries at most.",
    }
