"""One program at a time and thirty a minute for a student, and few who wait for the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broker import quota
from broker.connect import Broker
from broker.keys import RUN, RUNS
from broker.quota import RUNS_A_MINUTE
from tests.web.kit import EXERCISE, WRONG, Caller, live, nothing_left, problem
from web import link
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint
from web.link import broker
from web.people import runs
from web.people.models import User
from web.runner.checker import checker

pytestmark = pytest.mark.django_db
CHECK = {"exercise": EXERCISE, "code": WRONG}
HANGUL = re.compile("[가-힣]")


@contextmanager
def elsewhere(user: User) -> Iterator[None]:
    """Another web process runs a program of this user."""
    assert broker().run(quota.begin(str(user.pk), "elsewhere", most=0)) is None
    yield
    broker().run(quota.end(str(user.pk), "elsewhere"))


def ask_and_check(caller: Caller) -> list[object]:
    return [caller.ask(), caller.post("/v1/checks", CHECK)]


def test_a_second_program_waits_for_the_first_in_another_process(
    api: Caller, student: User
) -> None:
    live()
    with elsewhere(student):
        for answer in ask_and_check(api):
            body = problem(answer, 429, "still-running")
            assert body["detail"]
            assert answer["Retry-After"] == "1"  # type: ignore[index]
        api.headers["Accept-Language"] = "ko"
        assert HANGUL.search(api.ask().json()["title"])
        assert nothing_left()

    assert api.post("/v1/checks", CHECK).status_code == 200
    assert api.ask().status_code == 202


def test_a_second_program_waits_for_the_first_in_this_process(api: Caller, student: User) -> None:
    with runs.running(student, any_number=False):
        for answer in ask_and_check(api):
            problem(answer, 429, "still-running")

    assert api.post("/v1/checks", CHECK).status_code == 200


def test_another_student_is_not_held_up(api: Caller, course: Course, student: User) -> None:
    other = User.objects.create_user("haneul")
    Membership.objects.create(user=other, course=course)

    with elsewhere(student):
        assert Caller(other).post("/v1/checks", CHECK).status_code == 200


def test_a_minute_holds_thirty_programs(api: Caller) -> None:
    live()
    for _ in range(RUNS_A_MINUTE):
        assert api.post("/v1/checks", CHECK).status_code == 200

    for answer in ask_and_check(api):
        body = problem(answer, 429, "too-many-runs")
        wait_s = int(answer["Retry-After"])  # type: ignore[index]
        assert 0 < wait_s <= 60
        assert str(wait_s) in body["detail"]
    assert nothing_left()
    api.headers["Accept-Language"] = "ko"
    assert HANGUL.search(api.post("/v1/checks", CHECK).json()["detail"])


def test_who_teaches_may_run_many_but_one_at_a_time(
    line: None, course: Course, exercise: Exercise
) -> None:
    teacher = User.objects.create_user("kim")
    Membership.objects.create(user=teacher, course=course, role=Membership.Role.TEACHER)
    caller = Caller(teacher)

    for _ in range(RUNS_A_MINUTE + 2):
        assert caller.post("/v1/checks", CHECK).status_code == 200
    with elsewhere(teacher):
        problem(caller.post("/v1/checks", CHECK), 429, "still-running")


def test_what_is_refused_before_it_runs_counts_as_no_run(api: Caller, student: User) -> None:
    for code in ("", "\0", "x" * 70_000):
        assert api.post("/v1/checks", CHECK | {"code": code}).status_code in (413, 422)
    api.post("/v1/checks", CHECK | {"exercise": "basics/none"})

    assert not broker().client.exists(RUN(str(student.pk)), RUNS(str(student.pk)))


def test_a_run_ends_with_its_request_however_that_ends(
    api: Caller, student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(checker(), "running", breaks)
    assert api.post("/v1/checks", CHECK).status_code == 500
    monkeypatch.undo()

    assert api.post("/v1/checks", CHECK).status_code == 200
    assert not broker().client.exists(RUN(str(student.pk)))


def test_without_redis_each_process_still_holds_a_student_to_one(
    api: Caller, student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "broker", lambda: Broker("redis://127.0.0.1:1"))

    assert api.post("/v1/checks", CHECK).status_code == 200
    with runs.running(student, any_number=False):
        problem(api.post("/v1/checks", CHECK), 429, "still-running")
    assert api.post("/v1/checks", CHECK).status_code == 200


def test_a_full_sandbox_answers_at_once_and_makes_no_row(api: Caller, student: User) -> None:
    live()
    seats = checker().places.seats
    taken = 0
    while seats.acquire(blocking=False):
        taken += 1

    answers = ask_and_check(api)

    seats.release(taken)
    for answer in answers:
        problem(answer, 503, "busy")
        assert answer["Retry-After"] == "3"  # type: ignore[index]
    assert nothing_left()
    assert not Hint.objects.exists()
    assert api.ask().status_code == 202
