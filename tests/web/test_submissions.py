"""What a student runs is kept once for each time that it differs from the run before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.kit import EXERCISE, RIGHT, WRONG, Caller, forget, live, problem
from web.courses.models import Exercise, Membership
from web.engines import roster
from web.hints import submissions
from web.hints.models import Hint, Submission
from web.people.models import User
from web.tutor.evidence.fingerprint import fingerprint
from web.tutor.evidence.report import Report, Verdict

pytestmark = pytest.mark.django_db
FAILED = Report(verdict=Verdict.FAILED, passed=1, total=2)


def run(caller: Caller, code: str) -> Any:
    return caller.post("/v1/checks", {"exercise": EXERCISE, "code": code})


def kept() -> list[str]:
    return list(Submission.objects.order_by("pk").values_list("code", flat=True))


def test_a_run_is_kept_with_its_report(api: Caller, student: User, exercise: Exercise) -> None:
    report = run(api, WRONG).json()["report"]

    row = Submission.objects.get()
    assert (row.student, row.exercise, row.code, row.source) == (student, exercise, WRONG, "here")
    assert {name: row.report[name] for name in report} == report
    assert row.fingerprint == fingerprint(WRONG)
    assert row.created_at


def test_only_a_run_that_differs_from_the_one_before_is_kept(api: Caller) -> None:
    for code in (WRONG, WRONG, RIGHT, RIGHT, WRONG, f"{WRONG}#", f"{WRONG}#"):
        run(api, code)

    assert kept() == [WRONG, RIGHT, WRONG, f"{WRONG}#"]


def test_the_same_program_under_other_tests_is_another_run(api: Caller, exercise: Exercise) -> None:
    run(api, WRONG)
    Exercise.objects.update(tests="assert add(0, 0) == 0\n")
    run(api, WRONG)

    verdicts = [row.report["verdict"] for row in Submission.objects.order_by("pk")]
    assert (kept(), verdicts) == ([WRONG, WRONG], ["failed", "passed"])


@pytest.mark.parametrize(
    "change", [{"passed": 2}, {"verdict": Verdict.TIME}, {"output": "x"}, {"total": 3}]
)
def test_another_report_is_another_submission(
    student: User, exercise: Exercise, change: dict[str, Any]
) -> None:
    first = submissions.keep(submissions.ran(student, exercise, WRONG, FAILED))

    assert submissions.keep(submissions.ran(student, exercise, WRONG, FAILED)) == first
    assert (
        submissions.keep(submissions.ran(student, exercise, WRONG, replace(FAILED, **change)))
        != first
    )


def test_each_student_and_exercise_has_submissions_of_its_own(
    student: User, exercise: Exercise
) -> None:
    other = User.objects.create_user("other")
    more = Exercise.objects.create(course=exercise.course, slug="more")
    pairs = [(student, exercise), (other, exercise), (student, more)]

    rows = {submissions.keep(submissions.ran(*pair, WRONG, FAILED)).pk for pair in pairs * 2}

    assert len(rows) == 3


def test_a_hint_points_to_the_run_before_it(api: Caller) -> None:
    live()
    run(api, WRONG)

    answer = api.ask(code=WRONG).json()

    assert Hint.objects.get().submission == Submission.objects.get()
    assert (answer["code"], answer["l0"]) == (WRONG, run(api, WRONG).json())


def test_a_refused_request_has_run_its_program_too(api: Caller) -> None:
    problem(api.ask(code=RIGHT), 409, "already-correct")

    assert kept() == [RIGHT]


def test_a_request_beside_a_hint_in_flight_has_run_its_program_too(
    api: Caller, settings: Any
) -> None:
    live()
    api.ask("key", code=WRONG)
    other = WRONG.replace("a - b", "a")

    problem(api.ask(code=other), 409, "already-waiting")
    problem(api.ask("key", code=f"{other}#"), 422, "key-reused")
    settings.BACKLOG_MAX = 0
    problem(api.ask(code=f"{other}##"), 429, "backlog-full")

    assert kept() == [WRONG, other, f"{other}#", f"{other}##"]


@pytest.mark.django_db(transaction=True)
def test_a_program_and_its_hint_are_one_commit(
    line: None, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is set of engines is read once a second, and none begins here.
    monkeypatch.setattr(roster, "monotonic", lambda: 7.0)
    forget()
    live()
    api.ask(code=RIGHT)

    with CaptureQueriesContext(connection) as asked:
        assert api.ask(code=WRONG).status_code == 202

    verbs = [query["sql"].split()[0] for query in asked]
    begin = verbs.index("BEGIN")
    assert set(verbs[:begin]) == {"SELECT"}
    # What the program did is added once the hint is on its way.
    assert verbs[begin:] == ["BEGIN", "SELECT", "INSERT", "INSERT", "COMMIT", "UPDATE"]


def test_a_program_that_may_not_run_is_not_kept(api: Caller, stranger: Caller) -> None:
    assert run(stranger, WRONG).status_code == 404
    assert run(api, " ").status_code == 422
    assert run(api, "#" * 65537).status_code == 413
    assert not Submission.objects.exists()


def test_a_repeated_request_needs_no_other_row(api: Caller) -> None:
    live()
    first = api.ask("key", code=WRONG).json()

    assert api.ask("key", code=WRONG).json()["id"] == first["id"]
    assert kept() == [WRONG]


@pytest.mark.parametrize("code", ["x = '\\d'\n" * 100, "(" * 9000, "a" + "+a" * 4900, "f'{" * 99])
def test_a_hostile_program_is_kept_too(api: Caller, code: str) -> None:
    assert run(api, code).status_code == 200
    assert kept() == [code]


def test_who_leaves_the_course_leaves_the_runs_there(api: Caller, student: User) -> None:
    run(api, WRONG)

    Membership.objects.filter(user=student).delete()
    assert kept() == [WRONG]
    student.delete()
    assert kept() == []


def test_to_ask_after_a_run_costs_one_statement_more(
    api: Caller, student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    submissions.keep(submissions.ran(student, exercise, WRONG, FAILED))

    with django_assert_num_queries(1):
        submissions.keep(submissions.ran(student, exercise, WRONG, FAILED))
    with django_assert_num_queries(2):
        submissions.keep(submissions.ran(student, exercise, RIGHT, FAILED))


def test_a_hint_is_read_in_one_statement(api: Caller, django_assert_num_queries: Any) -> None:
    live()
    hint = api.ask().json()["id"]

    # Session and person come first.
    with django_assert_num_queries(3):
        api.get(f"/v1/hints/{hint}")
    with django_assert_num_queries(4):
        api.get(f"/v1/hints?exercise={EXERCISE}")
