"""What a program did is found out beside a hint that is on its way, once, and fails no request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from broker import fleet
from tests.web.kit import EXERCISE, RIGHT, WRONG, Caller, live, messages, slots_taken, waiting
from web.courses.models import Exercise
from web.engines.models import Engine
from web.hints import submissions
from web.hints.models import Hint, Submission
from web.link import broker
from web.people.models import User
from web.runner.checker import Run
from web.tutor.evidence.report import Report

pytestmark = pytest.mark.django_db
CHECK = {"exercise": EXERCISE, "code": WRONG}
LOOP = "def add(a, b):\n    for i in range(2):\n        a -= b\n    return a\n"


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each program that was looked at, how many messages the engine had by then."""
    seen: list[int] = []
    explain = Run.explain

    def looked_at(*program: Any) -> Report:
        seen.append(messages())
        return explain(*program)

    monkeypatch.setattr(Run, "explain", looked_at)
    return seen


def kept() -> list[Any]:
    return [(each.report["facts"], each.report["steps"]) for each in Submission.objects.all()]


def test_the_engine_has_the_hint_before_its_program_is_explained(
    api: Caller, explained: list[int]
) -> None:
    live()

    hint = api.ask(code=LOOP).json()

    assert explained == [1]
    [(facts, steps)] = kept()
    assert facts
    assert hint["l0"]["report"]["steps"] == steps != None  # noqa: E711  # both, and not none
    assert api.get(f"/v1/hints/{hint['id']}").json()["l0"] == hint["l0"]


@pytest.mark.parametrize("path", ["/v1/checks", "/v1/hints"])
def test_a_program_is_explained_once(api: Caller, explained: list[int], path: str) -> None:
    """By the student's check mostly; a program that is changed is another one."""
    body = CHECK | {"code": LOOP}
    first = api.post(path, body if path == "/v1/checks" else body | {"level": 1}).json()
    Hint.objects.all().delete()

    hint = api.ask(code=LOOP).json()
    again = api.post("/v1/checks", body).json()

    assert len(explained) == len(kept()) == 1
    assert hint["l0"]["report"] == again["report"] == first.get("l0", first)["report"]
    api.post("/v1/checks", CHECK)
    assert len(explained) == len(kept()) == 2


@pytest.mark.parametrize("code", [RIGHT, "print('a'"])
def test_a_report_without_steps_is_kept_as_it_is(api: Caller, code: str) -> None:
    answer = api.post("/v1/checks", CHECK | {"code": code}).json()

    assert answer["report"]["steps"] is None
    assert Submission.objects.get().report["verdict"] == answer["report"]["verdict"]


def test_facts_that_came_first_stay(api: Caller, student: User) -> None:
    """Two tabs look at one program: the row is written once."""
    api.post("/v1/checks", CHECK)
    [first] = Submission.objects.all()
    late = Submission.objects.get()
    late.report = late.report | {"facts": [], "steps": None}
    told = Report.from_json(late.report)

    submissions.explain(late, told)

    assert Submission.objects.get().report == first.report


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "explain", lambda _, report, *__: report)


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(submissions, "explain", explain)


@pytest.mark.parametrize("trouble", [full, away])
@pytest.mark.parametrize("path", ["/v1/checks", "/v1/hints"])
def test_what_cannot_be_explained_fails_nothing(
    api: Caller,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[pytest.MonkeyPatch], None],
    path: str,
) -> None:
    live()
    trouble(monkeypatch)

    answer = api.post(path, CHECK | ({"level": 1} if path == "/v1/hints" else {}))

    assert answer.status_code in (200, 202)
    assert kept() == [([], None)]
    assert Hint.objects.count() == messages() == (path == "/v1/hints")
    # Nobody has looked at it yet, so the next one does.
    monkeypatch.undo()
    api.post("/v1/checks", CHECK)
    assert all(facts for facts, _ in kept())


def test_an_engine_that_the_dispatcher_knows_is_not_asked_of_the_database(api: Caller) -> None:
    live()
    api.ask()
    Hint.objects.all().delete()

    with CaptureQueriesContext(connection) as queries:
        assert api.ask().status_code == 202

    assert not [each["sql"] for each in queries if '"engines_engine"' in each["sql"]]


@pytest.mark.parametrize("told", [{}, {"gpu0": 2}])
def test_a_dispatcher_that_was_wiped_ends_no_hint(api: Caller, told: dict[str, int]) -> None:
    """Whether it knows engines or none, the database has one."""
    broker().run(fleet.set_engines(told))

    assert api.ask().json()["state"] == "queued"
    assert (slots_taken(), waiting()) == (0, 1)


def test_without_the_database_a_hint_that_is_accepted_waits(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def active() -> None:
        raise OperationalError

    monkeypatch.setattr("web.engines.roster.active", active)

    answer = api.ask()

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_a_hint_without_an_engine_tells_what_the_program_did(api: Caller) -> None:
    Engine.objects.update(enabled=False)
    code = "def add(a, b):\n    a + b\n"

    hint = api.ask(code=code, locale="en").json()

    assert (hint["state"], hint["source"]) == ("failed", "evidence")
    assert "`a + b`" in hint["text"]
    assert (waiting(), slots_taken(), messages()) == (0, 0, 0)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were run."""
    seen: list[str] = []
    judge = Run.judge

    def run(program: Run, tests: Any) -> Report:
        seen.append(program._code)
        return judge(program, tests)

    monkeypatch.setattr(Run, "judge", run)
    return seen


SYNTAX = "def add(a, b) return a"
STOPS = "def add(a, b):\n    return a + b + c\n"


@pytest.mark.parametrize("code", [WRONG, LOOP, SYNTAX, STOPS])
def test_a_hint_runs_no_program_that_was_just_checked(
    api: Caller, judged: list[str], explained: list[int], code: str
) -> None:
    live()
    checked = api.post("/v1/checks", CHECK | {"code": code}).json()

    hint = api.ask(code=code).json()

    assert judged == [code]
    assert len(explained) == len(kept()) == 1
    assert hint["l0"]["report"] == checked["report"]
    assert messages() == 1


@pytest.mark.parametrize("code", [WRONG, LOOP, SYNTAX, STOPS])
def test_nor_one_that_an_earlier_hint_was_about(
    api: Caller, judged: list[str], explained: list[int], code: str
) -> None:
    first = api.ask(code=code).json()
    assert api.post(first["links"]["cancel"], {}).status_code == 202

    second = api.ask(code=code).json()

    assert judged == [code]
    assert len(explained) == len(kept()) == 1
    assert second["id"] != first["id"]
    assert second["l0"]["report"] == first["l0"]["report"]


@pytest.mark.parametrize("code", [WRONG + "\n", WRONG.replace("a", "a "), LOOP])
def test_a_program_that_was_changed_is_run(api: Caller, judged: list[str], code: str) -> None:
    api.post("/v1/checks", CHECK)

    api.ask(code=code)

    assert judged == [WRONG, code]


@pytest.mark.parametrize(
    "change",
    [{"tests": "assert add(2, 2) == 5"}, {"time_limit_s": 2.0}, {"language": "java"}],
    ids=["tests", "limit", "language"],
)
def test_what_an_author_changes_is_judged_anew(
    api: Caller, judged: list[str], exercise: Exercise, change: dict[str, Any]
) -> None:
    api.post("/v1/checks", CHECK)
    for name, value in {**change, "revision": 2}.items():
        setattr(exercise, name, value)
    exercise.save()

    hint = api.ask().json()

    assert judged == ([WRONG] if "language" in change else [WRONG, WRONG])
    if "tests" in change:
        assert hint["l0"]["report"]["first"]["expected"] == "5"
    if "language" in change:
        assert hint["l0"]["report"]["verdict"] == "not_run"


def test_no_other_student_has_the_run_of_a_program(
    api: Caller, teacher: Caller, judged: list[str]
) -> None:
    api.post("/v1/checks", CHECK)

    teacher.ask()

    assert judged == [WRONG, WRONG]


def test_a_check_always_runs(api: Caller, judged: list[str]) -> None:
    for _ in range(3):
        api.post("/v1/checks", CHECK)

    assert judged == [WRONG] * 3


def test_a_platforms_result_is_none_of_ours(api: Caller, judged: list[str]) -> None:
    """Neither for what runs here, nor the other way round."""
    result = {"status": "failed", "call": "add(1, 2)", "expected": "3", "got": "7"}
    api.post("/v1/checks", CHECK | {"result": result})

    hint = api.ask().json()

    assert judged == [WRONG]
    assert hint["l0"]["report"]["first"]["got"] != "7"
