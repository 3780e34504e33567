"""The lists of requests to engines and of Celery's records, for operations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from broker.contract.hint import State
from tests.web.kit import queued
from web.courses.models import Exercise
from web.hints.models import Attempt, Diagnosis, Hint, ModelCall
from web.ops.lists import bounded, walk
from web.ops.records import tasks
from web.people.models import User

pytestmark = pytest.mark.django_db
CALLS, TASKS = "/ops/calls/", "/ops/tasks/"
LISTS = (CALLS, TASKS)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRET = "the secret words"
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT set_config")


def browser(name: str, duty: str = "") -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_user(name, duty=duty))
    return client


@pytest.fixture
def viewer(line: None) -> Client:
    return browser("viewer", User.Duty.VIEWER)


@pytest.fixture
def hint(student: User, exercise: Exercise) -> Hint:
    """With an attempt on gpu0."""
    hint = queued(student, exercise)
    Attempt.objects.create(hint=hint, number=1, engine="gpu0")
    return hint


def call(hint: Hint, name: str, **columns: Any) -> ModelCall:
    """name: of the model, by which the page's rows are told apart."""
    told = {"attempt": hint.attempts.first(), "purpose": "write", "verdict": "passed"}
    return ModelCall(model=name, **told | {"created_at": NOON} | columns)


def record(hint: Hint, name: str, **columns: Any) -> TaskResult:
    """name: of the worker."""
    told = {"task_id": f"{uuid4()}-1", "task_name": "generate_hint", "status": "SUCCESS"}
    return TaskResult(worker=name, **told | columns)


def many(path: str, hint: Hint, count: int) -> list[str]:
    """Rows of one moment; their names, the newest first."""
    names = [f"n{number}" for number in range(count)]
    if path == CALLS:
        ModelCall.objects.bulk_create(call(hint, name) for name in names)
    else:
        TaskResult.objects.bulk_create(record(hint, name) for name in names)
        TaskResult.objects.update(date_done=NOON)
    return names[::-1]


def page(client: Client, path: str, query: str = "") -> str:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def shown(client: Client, path: str, query: str = "") -> list[str]:
    """The names of the rows; both lists have them in the fourth column."""
    return re.findall(r"<tr>\s*(?:<td.*?</td>\s*){3}<td>(.*?)</td>", page(client, path, query))


def link(client: Client, path: str, query: str, rel: str) -> str:
    """The query behind a page's link to another page; empty if it has none."""
    found = re.search(rf'rel="{rel}" href="\?([^"]*)"', page(client, path, query))
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize("path", LISTS)
def test_who_has_a_duty_sees_them_and_nobody_else(path: str, line: None, student: User) -> None:
    assert Client().get(path)["Location"].startswith("/accounts/login/")
    assert browser("somebody").get(path).status_code == 403
    for duty in (User.Duty.VIEWER, User.Duty.OPS):
        html = page(browser(f"on {duty}", duty), path)

        assert re.search(rf'href="{path}" aria-current="page"', html)
        assert "yet, or " in html
        other = (CALLS, TASKS)[path == CALLS]
        assert f'href="{other}"' in html


@pytest.mark.parametrize("path", LISTS)
def test_pages_go_back_and_forth_though_all_are_of_one_moment(
    path: str, viewer: Client, hint: Hint
) -> None:
    own = many(path, hint, 120)

    first = shown(viewer, path)
    second = shown(viewer, path, older := link(viewer, path, "", "next"))
    third = shown(viewer, path, oldest := link(viewer, path, older, "next"))

    assert re.fullmatch(r"older=\d+", older)
    assert [first, second, third] == [own[:50], own[50:100], own[100:]]
    assert link(viewer, path, oldest, "next") == ""
    assert shown(viewer, path, back := link(viewer, path, oldest, "prev")) == second
    assert shown(viewer, path, start := link(viewer, path, back, "prev")) == first
    assert link(viewer, path, start, "prev") == ""


def call_rows(hint: Hint) -> dict[str, str]:
    """A value of each filter; the row of the same name is the one that it finds."""
    other = Attempt.objects.create(hint=hint, number=2, engine="gpu9")
    rows = {
        "purpose": call(hint, "purpose", purpose="judge"),
        "model": call(hint, "model"),
        "engine": call(hint, "engine", attempt=other),
        "verdict": call(hint, "verdict", verdict="R2"),
        "since": call(hint, "since", created_at=NOON + timedelta(days=365)),
        "until": call(hint, "until", created_at=NOON - timedelta(days=365)),
    }
    for row in rows.values():
        row.save()
    return {
        "purpose": "judge", "model": "model", "engine": "gpu9", "verdict": "R2",
        "since": "2027-01-01T00:00", "until": "2026-01-01T00:00",
    }  # fmt: skip


def task_rows(hint: Hint) -> dict[str, str]:
    rows = {
        "status": record(hint, "status", status="FAILURE"),
        "worker": record(hint, "worker"),
        "hint": record(hint, "hint", task_id=f"{hint.pk}-1"),
        "since": record(hint, "since"),
        "until": record(hint, "until"),
    }
    for name, row in rows.items():
        row.save()
        days = {"since": 365, "until": -365}.get(name, 0)
        # Saving it, the column takes the time of now.
        TaskResult.objects.filter(pk=row.pk).update(date_done=NOON + timedelta(days=days))
    return {
        "status": "FAILURE", "worker": "work", "hint": str(hint.pk),
        "since": "2027-01-01T00:00", "until": "2026-01-01T00:00",
    }  # fmt: skip


VARIED = [(CALLS, call_rows, "request"), (TASKS, task_rows, "record")]
Varied = Callable[[Hint], dict[str, str]]


@pytest.mark.parametrize(("path", "varied", "word"), VARIED)
def test_each_filter_finds_its_rows_and_can_be_taken_away(
    path: str, varied: Varied, word: str, viewer: Client, hint: Hint
) -> None:
    filters = varied(hint)
    assert {*shown(viewer, path)} == {*filters}
    assert re.search(r'<a href="\?" aria-current="true">all</a>', page(viewer, path))
    for name, value in filters.items():
        html = page(viewer, path, f"{name}={value}")

        assert shown(viewer, path, f"{name}={value}") == [name]
        assert f">1 {word}<" in html
        assert re.search(r'<li class="chip"><span>.*<a href="\?" aria-label="Remove', html), name
        field = re.search(rf'(?s)<(?:input|select)[^>]* id="id_{name}"', html)
        assert field or name in ("purpose", "status"), name


@pytest.mark.parametrize(("path", "varied", "word"), VARIED)
def test_filters_come_together(
    path: str, varied: Varied, word: str, viewer: Client, hint: Hint
) -> None:
    filters = varied(hint)

    assert shown(viewer, path, f"since={filters['since']}&until=2028-01-01T00:00") == ["since"]
    assert shown(viewer, path, f"since={filters['since']}&until={filters['until']}") == []
    html = page(viewer, path, f"since={filters['since']}&until={filters['until']}")
    assert "matches these filters" in html


def test_workers_are_found_by_the_beginning_of_their_names_however_many_they_are(
    viewer: Client, hint: Hint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gpu1@a", "gpu2@a", "gpu1@b", "gp%1@a"):
        record(hint, name).save()
    TaskResult.objects.create(task_id="nobody's")
    for most in (tasks.MOST_WORKERS, 1):
        monkeypatch.setattr(tasks, "MOST_WORKERS", most)

        assert shown(viewer, TASKS, "worker=gpu1") == ["gpu1@b", "gpu1@a"]
        assert shown(viewer, TASKS, "worker=gp%25") == ["gp%1@a"]
        assert shown(viewer, TASKS, "worker=pu1") == []


def test_words_are_suggested_for_the_fields_that_there_are(viewer: Client, hint: Hint) -> None:
    many(CALLS, hint, 3)
    html = page(viewer, CALLS)

    assert {*re.findall(r'<datalist id="known-(\w+)"', html)} == {"engine", "model", "verdict"}
    assert 'list="known-model"' in html
    assert re.findall(r'<datalist id="known-(\w+)"', page(viewer, TASKS)) == ["worker"]


BAD = (
    (CALLS, "purpose=sing"), (CALLS, "since=yesterday"), (CALLS, "engine=" + "x" * 51),
    (CALLS, "until=0001-01-01T00:00"), (CALLS, "older=x"), (CALLS, "newer=-1"),
    (CALLS, "older=9999999999999999999"), (CALLS, "older=٣"), (TASKS, "status=FINE"),
    (TASKS, "hint=1"), (TASKS, "worker=" + "x" * 101), (TASKS, "older=1_0"),
    (TASKS, "since=2026-99-99T00:00"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "query"), BAD)
def test_a_bad_address_is_told_in_a_sentence(
    path: str, query: str, viewer: Client, hint: Hint
) -> None:
    many(path, hint, 1)

    html = page(viewer, path, query)

    assert 'role="alert"' in html
    # What names no place in the list is no filter of it.
    assert ("<tbody>" in html) == query.startswith(("older", "newer"))


@pytest.mark.parametrize("path", LISTS)
def test_a_search_that_takes_too_long_says_how_far_it_looked_and_goes_on(
    path: str, viewer: Client, hint: Hint, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = many(path, hint, 30)
    query = "model=n2" if path == CALLS else "worker=n2&status=SUCCESS"
    found = [name for name in names if name == "n2" or (path == TASKS and name[:2] == "n2")]
    viewer.get(path)
    monkeypatch.setattr(walk, "FIRST_PART", 10)
    turn, within = iter(range(99)), walk.within

    def impatient(seconds: float) -> Any:
        # The plain question, and that of the second part, when ten rows have been seen.
        if next(turn) in (0, 4):
            raise bounded.OutOfTime
        return within(9)

    monkeypatch.setattr(walk, "within", impatient)

    html = page(viewer, path, query)

    assert "narrow it down" in html
    assert re.search(r"looked at every (request|record) back to 2026-11-01 \d\d:00:00\.", html)
    (further,) = re.findall(r'rel="next" href="\?([^"]*)">Look further back', html)
    rest = shown(viewer, path, further.replace("&amp;", "&"))
    assert rest == [name for name in names[10:] if name in found] != []


@pytest.mark.parametrize("path", LISTS)
def test_a_page_takes_as_many_queries_whatever_it_shows(
    path: str, viewer: Client, hint: Hint
) -> None:
    def queries() -> int:
        viewer.get(path)
        with CaptureQueriesContext(connection) as all_of_them:
            viewer.get(path, {"since": "2020-01-01T00:00"})
        return sum(not each["sql"].startswith(CONTROL) for each in all_of_them)

    many(path, hint, 2)
    few = queries()
    many(path, hint, 40)

    assert queries() == few <= 12


def test_a_request_is_told_without_a_word(viewer: Client, hint: Hint) -> None:
    call(
        hint, "fake", verdict="R2", text=SECRET, parameters={"stop": SECRET},
        prompt_tokens=1234, cached_tokens=567, completion_tokens=89,
    ).save()  # fmt: skip
    call(hint, "fake", verdict="R8", fault="no_question", text=SECRET).save()
    call(hint, "judge", purpose="judge", verdict="leak", probability=0.75, text=SECRET).save()
    ahead = Diagnosis.objects.create(exercise=hint.exercise, revision=1, fingerprint="f")
    ModelCall.objects.create(diagnosis=ahead, purpose="diagnose", model="early", text=SECRET)
    Hint.objects.update(question=SECRET, text=SECRET)

    with CaptureQueriesContext(connection) as queries:
        html = page(viewer, CALLS)

    for seen in (
        "blocked by R2", "blocked (R8): it asks nothing at its end",
        "it says that the hint is a leak", "0.750", "gpu0", "1,234", ">567<",
        ">89<", "ahead of hints", ">diagnose<",
    ):  # fmt: skip
        assert seen in html, seen
    assert html.count(f"/ops/hints/{hint.pk}/") == 3
    assert SECRET not in html
    asked = [each["sql"] for each in queries if "hints_modelcall" in each["sql"]]
    assert asked
    assert not [sql for sql in asked if re.search(r"hints_modelcall.\..(text|parameters)\b", sql)]


def test_a_task_is_told_with_what_of_its_result_is_for_staff(viewer: Client, hint: Hint) -> None:
    result = {"hint": str(hint.pk), "state": "failed", "reason": "quota", "engine": "<b>gpu0"}
    record(
        hint, "one", task_id=f"{hint.pk}-1", result=json.dumps(result | {"error": SECRET})
    ).save()
    thrown = {"exc_type": "ValueError", "exc_message": [SECRET]}
    record(hint, "two", status="FAILURE", result=json.dumps(thrown), traceback=SECRET).save()
    record(hint, "three", task_id="diagnosis-7-1", task_args=SECRET, result="[1").save()
    record(
        hint, "four", result=json.dumps({"state": "x" * 300, "engine": 7, "reason": "y" * 300})
    ).save()

    html = page(viewer, TASKS)

    assert shown(viewer, TASKS) == ["four", "three", "two", "one"]
    chip = f'data-was="failed">{State.FAILED}</span>'
    for seen in (chip, "<code>quota</code>", "&lt;b&gt;gpu0", "ahead of hints", "generate_hint"):
        assert seen in html, seen
    # The hint of another one is gone.
    assert html.count("/ops/hints/") == 1 + html.count('href="/ops/hints/"')
    assert SECRET not in html
    assert "y" * 60 in html
    assert "y" * 61 not in html
