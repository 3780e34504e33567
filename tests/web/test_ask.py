"""POST /v1/hints: the row, the place, the message, and what a second click gets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from broker import dispatch
from broker.connect import Broker
from broker.contract.hint import Lane
from tests.broker.helpers import scripts_run, ticket
from tests.web.kit import (
    RIGHT,
    Caller,
    live,
    messages,
    nothing_left,
    problem,
    slots_taken,
    waiting,
)
from web import link
from web.courses.models import Course, Exercise
from web.engines.models import Engine
from web.hints import jobs
from web.hints.models import Hint, Submission
from web.link import broker
from web.people.models import User
from web.runner.checker import Run
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Report

pytestmark = pytest.mark.django_db


def committed_states() -> list[str]:
    """The hints' states as another process reads them now."""

    def read() -> list[str]:
        try:
            return list(Hint.objects.values_list("state", flat=True))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as another:
        return another.submit(read).result()


def test_a_free_slot_gets_the_hint_at_once(api: Caller) -> None:
    live()

    answer = api.ask()

    hint = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == hint["links"]["self"] == f"/v1/hints/{hint['id']}"
    assert int(answer["Retry-After"]) >= 1
    assert (hint["state"], hint["position"], hint["attempt"]) == ("queued", 0, 0)
    assert hint["exercise"] == "basics/add"
    assert hint["links"]["events"] == f"/v1/events?hint={hint['id']}"
    assert (Hint.objects.count(), slots_taken(), waiting(), messages()) == (1, 1, 0, 1)


def test_without_a_free_slot_it_waits_in_the_line(api: Caller) -> None:
    hint = api.ask().json()

    assert (hint["state"], hint["position"]) == ("queued", 1)
    assert (slots_taken(), waiting(), messages()) == (0, 1, 0)


@pytest.mark.parametrize("free", [True, False])
def test_a_new_hint_asks_redis_for_its_run_and_its_place_alone(api: Caller, free: bool) -> None:
    if free:
        live()
    before = scripts_run(broker())

    assert api.ask().json()["position"] == (0 if free else 1)

    assert scripts_run(broker()) - before == 3, "the run begins, the hint is placed, the run ends"


def test_l0_comes_with_the_answer(api: Caller) -> None:
    hint = api.ask(locale="en").json()

    assert hint["l0"]["report"]["verdict"] == "failed"
    assert hint["l0"]["report"]["first"]["got"] == "-1"
    assert "add(1, 2)" in hint["l0"]["words"]


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("def add(a, b):\n    while True:\n        pass\n", "time"),
        ("def add(a, b):\n    return 'x' * 10**9\n", "memory"),
        ("def add(a, b:\n", "syntax"),
    ],
)
def test_hostile_code_ends_in_l0(api: Caller, code: str, verdict: str) -> None:
    answer = api.ask(code=code, locale="en")

    assert answer.status_code == 202
    assert answer.json()["l0"]["report"]["verdict"] == verdict
    assert answer.json()["l0"]["words"]


@pytest.mark.parametrize(
    ("asked", "spoken", "stored"), [(None, "ko", "ko"), (None, "en-GB", "en"), ("en", "ko", "en")]
)
def test_the_hints_language_is_the_one_asked_for(
    api: Caller, asked: str | None, spoken: str, stored: str
) -> None:
    api.headers["Accept-Language"] = spoken

    api.ask(locale=asked)

    assert Hint.objects.get().locale == stored


def test_an_exercise_in_another_language_skips_l0(api: Caller, exercise: Exercise) -> None:
    exercise.language = "java"
    exercise.save()

    answer = api.ask(code="class A {}", locale="en")

    assert answer.status_code == 202
    assert answer.json()["l0"]["report"]["verdict"] == "not_run"
    assert "cannot be run for this language" in answer.json()["l0"]["words"]


@pytest.mark.django_db(transaction=True)
def test_the_row_is_committed_before_the_dispatcher_knows_it_and_rings(
    api: Caller, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live()
    seen: list[list[str]] = []
    attempt = link.attempt

    def look_first(call: Any) -> Any:
        if call.script == "admit":
            seen.append(committed_states())
            assert messages() == 0
        return attempt(call)

    monkeypatch.setattr("web.hints.backlog.attempt", look_first)
    api.ask()

    assert seen == [["queued"]]
    assert messages() == 1


def test_with_redis_down_the_row_is_kept(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = Broker("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(link, "broker", lambda: dead)

    answer = api.ask()

    assert (answer.status_code, answer.json()["position"]) == (202, None)
    assert Hint.objects.get().state == "queued"
    assert api.get(answer["Location"]).json()["state"] == "queued"


def test_a_new_key_asks_the_database_nothing_more(api: Caller) -> None:
    asked = []

    # The first one is not like the others: it keeps the program, and the use of the token.
    for key in ("", "", "new"):
        with CaptureQueriesContext(connection) as queries:
            assert api.ask(key=key).status_code == 202
        # The engines are looked at once a second, whoever asks.
        asked.append([each["sql"] for each in queries if "engines_" not in each["sql"]])
        Hint.objects.all().delete()

    assert len(asked[1]) == len(asked[2])


def test_a_second_click_gets_the_first_hint(api: Caller) -> None:
    live()
    first = api.ask(key="click-1")

    second = api.ask(key="click-1")

    assert (second.status_code, second.json()["id"]) == (202, first.json()["id"])
    assert second["Location"] == first["Location"]
    assert (Hint.objects.count(), slots_taken(), messages()) == (1, 1, 1)


def test_a_second_click_after_the_end_gets_the_end(api: Caller) -> None:
    first = api.ask(key="click-1").json()
    api.post(first["links"]["cancel"])

    assert api.ask(key="click-1").json()["state"] == "cancelled"
    assert Hint.objects.count() == 1


def test_a_key_used_for_something_else_is_refused(api: Caller) -> None:
    api.ask(key="click-1")

    problem(api.ask(key="click-1", question="why?"), 422, "key-reused")

    assert Hint.objects.count() == 1


@pytest.mark.parametrize("key", ["", "click-2"])
def test_another_click_while_one_waits_is_told_which(api: Caller, key: str) -> None:
    first = api.ask(key="click-1").json()

    body = problem(api.ask(key=key), 409, "already-waiting")

    assert body["hint"] == first["id"]
    assert (Hint.objects.count(), waiting()) == (1, 1)


def test_other_exercises_and_students_do_not_wait_for_this_one(
    api: Caller, course: Course, exercise: Exercise
) -> None:
    second = User.objects.create_user("other")
    course.memberships.create(user=second)
    exercise.pk, exercise.slug = None, "more"
    exercise.save()

    answers = [api.ask(), api.ask(exercise="basics/more"), Caller(second).ask()]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json()["position"] for answer in answers] == [1, 2, 2], "students take turns"


def test_a_level_opens_after_a_hint_of_the_one_below(api: Caller) -> None:
    first = api.ask().json()
    problem(api.ask(level=2), 409, "level-locked")
    Hint.objects.filter(pk=first["id"]).update(state="answered", source="model")
    api.put(first["links"]["reflection"], {"text": "b is taken away"})

    assert api.ask(level=2).status_code == 202
    problem(api.ask(level=3), 409, "level-locked")


def test_a_cancelled_hint_opens_no_level(api: Caller) -> None:
    api.post(api.ask().json()["links"]["cancel"])

    problem(api.ask(level=2), 409, "level-locked")


def test_correct_code_needs_no_hint(api: Caller) -> None:
    problem(api.ask(code=RIGHT), 409, "already-correct")

    assert not Hint.objects.exists()


def test_a_full_backlog_takes_no_more(api: Caller, settings: Any) -> None:
    settings.BACKLOG_MAX = 1
    api.ask(key="click-1")
    Hint.objects.update(exercise=make_other_exercise())

    answer = api.ask()

    problem(answer, 429, "backlog-full")
    assert int(answer["Retry-After"]) == 15, "nobody knows yet how fast it is"
    assert (Hint.objects.count(), waiting()) == (1, 1)
    assert api.ask(key="click-1", exercise="basics/other").status_code == 422


def test_a_full_backlog_says_when_to_come_again(api: Caller, settings: Any) -> None:
    settings.BACKLOG_MAX = 1
    live()
    broker().run(dispatch.admit(ticket("timed")))
    broker().run(dispatch.claim("timed", "gpu0", "w"))
    broker().run(dispatch.settle("timed", "gpu0", 1, 40.0))
    broker().run(dispatch.admit(ticket("busy")))
    api.ask()
    Hint.objects.update(exercise=make_other_exercise())

    assert api.ask()["Retry-After"] == "80", "two hints before a new one has a slot, 40 s each"

    settings.HINT_TTL_S = 60
    assert api.ask()["Retry-After"] == "60", "after that the backlog has moved in any case"


def test_the_shared_part_of_the_prompt_is_measured(api: Caller, exercise: Exercise) -> None:
    api.ask()
    short = Hint.objects.get().prefix_tokens
    exercise.statement_ko = exercise.statement_en = "word " * 400
    exercise.save()
    Hint.objects.all().delete()

    api.ask()

    hint = Hint.objects.get()
    assert hint.prefix_tokens > short + 400 > 400
    assert jobs.ticket(hint).prefix_tokens == hint.prefix_tokens


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gone", ["exercise", "course"])
@pytest.mark.parametrize("key", ["", "click-1"])
def test_an_exercise_that_goes_while_the_tests_run_is_one_that_is_not_there(
    api: Caller, exercise: Exercise, monkeypatch: pytest.MonkeyPatch, gone: str, key: str
) -> None:
    judge = Run.judge

    def deleted_meanwhile(run: Run, tests: Any) -> Report:
        (exercise.course if gone == "course" else exercise).delete()
        return judge(run, tests)

    monkeypatch.setattr(Run, "judge", deleted_meanwhile)

    body = problem(api.ask(key=key), 404, "not-found")

    assert body["detail"] == "There is no such exercise in your courses."
    assert nothing_left()


@pytest.mark.parametrize("role", ["teacher", "admin"])
def test_a_teacher_may_ask_in_the_batch_lane(api: Caller, student: User, role: str) -> None:
    student.memberships.update(role=role)

    assert api.ask(lane="batch").status_code == 202

    hint = Hint.objects.get()
    assert (hint.lane, jobs.ticket(hint).lane) == ("batch", "batch")
    assert broker().run(dispatch.backlog())[Lane.BATCH].size == 1


def test_a_student_may_not_ask_in_the_batch_lane(api: Caller) -> None:
    problem(api.ask(lane="batch"), 403, "forbidden")
    problem(api.ask(lane="retry"), 422, "invalid")

    assert not Hint.objects.exists()


def make_other_exercise() -> Exercise:
    return Exercise.objects.create(course=Course.objects.get(), slug="other")


def test_with_no_engine_at_all_the_hint_is_there_at_once(api: Caller) -> None:
    Engine.objects.update(enabled=False)

    answer = api.ask()

    hint = answer.json()
    assert answer.status_code == 202
    assert "Retry-After" not in answer
    assert (hint["state"], hint["reason"]) == ("failed", "model_unavailable")
    assert hint["source"] == "evidence"
    assert "add(1, 2)" in hint["text"]
    assert hint["notice"]
    assert api.get(f"/v1/hints/{hint['id']}").json() == hint
    assert (slots_taken(), waiting(), messages()) == (0, 0, 0)


def test_what_needs_no_engine_opens_the_next_level_as_any_hint_does(api: Caller) -> None:
    Engine.objects.update(enabled=False)
    texts = []
    for level in (1, 2):
        for locale in ("ko", "en"):
            hint = api.ask(level=level, locale=locale).json()
            texts.append(hint["text"])
        api.put(hint["links"]["reflection"], {"text": "b is taken away"})

    assert len(set(texts)) == 4
    assert all(text.endswith("?") for text in texts)


def test_what_a_program_did_is_told_to_who_teaches_and_to_no_student(
    api: Caller, teacher: Caller
) -> None:
    fact = Fact(kind=FactKind.GIVES, line=2, values={"value": "-1"}, score=0.4)
    own = api.ask().json()
    report = Report.from_json(Submission.objects.get().report)
    Submission.objects.update(report=replace(report, facts=(fact,)).as_json())
    path = f"/v1/hints/{own['id']}"

    assert own["facts"] is api.get(path).json()["facts"] is None
    assert teacher.get(path).json()["facts"] == [fact.as_json()]
    assert "facts" not in own["l0"]["report"]
