"""What is kept too long goes, a few rows a statement; what is young stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone
from django_celery_results.models import TaskResult

from tests.web.kit import queued
from web.courses.models import Exercise
from web.evaluation.models import Evaluation, Item
from web.fleet.models import Cost, Minute, Tally
from web.hints.models import Attempt, Hint, ModelCall, Submission
from web.ops import retention
from web.ops.retention import KINDS, Records, sweep
from web.people.models import User

pytestmark = pytest.mark.django_db


def an_attempt() -> Attempt:
    return Attempt.objects.get_or_create(hint=Hint.objects.get(), number=1000)[0]


def an_item() -> Item:
    row, _ = Evaluation.objects.get_or_create(engine="gpu0", model="m", set_name="s")
    return Item(evaluation=row, kind="write", name=uuid4().hex, text="words")


NEW: dict[type[Model], Callable[[], Model]] = {
    ModelCall: lambda: ModelCall(attempt=an_attempt(), text="words"),
    Item: an_item,
    Attempt: lambda: Attempt(hint=Hint.objects.get(), number=Attempt.objects.count()),
    LogEntry: lambda: LogEntry(user=User.objects.get(), action_flag=CHANGE),
    Cost: lambda: Cost(day=timezone.now(), level=Cost.objects.count()),
    Tally: lambda: Tally(day=timezone.now(), source=str(Tally.objects.count())),
    Minute: lambda: Minute(
        began_at=timezone.now() + timedelta(minutes=Minute.objects.count()), figures={}
    ),
    TaskResult: lambda: TaskResult(task_id=str(uuid4())),
    Session: lambda: Session(session_key=uuid4().hex, expire_date=timezone.now()),
    AccessLog: lambda: AccessLog(username="minji"),
    AccessFailureLog: lambda: AccessFailureLog(username="minji"),
    AccessAttempt: lambda: AccessAttempt(username=uuid4().hex, failures_since_start=1),
}
KEPT = {"RAW_DAYS": 14, "RECORD_DAYS": 90, "ACTION_DAYS": 400, "": 0}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture(autouse=True)
def hint(student: User, exercise: Exercise, settings: Any) -> Hint:
    settings.RAW_DAYS, settings.RECORD_DAYS = KEPT["RAW_DAYS"], KEPT["RECORD_DAYS"]
    return queued(student, exercise)


def make(kind: Records, age: timedelta) -> Any:
    """A row of that age. Answers its key."""
    row = NEW[kind.model]()
    row.save()
    found = kind.model._default_manager.filter(pk=row.pk)
    found.update(**{kind.since: timezone.now() - age})
    return row.pk


def left(kind: Records) -> set[Any]:
    """The keys of the rows that are whole."""
    rows = kind.model._default_manager.all()
    return set(
        (rows.exclude(**{kind.text: ""}) if kind.text else rows).values_list("pk", flat=True)
    )


@each_kind
def test_the_old_goes_and_the_young_stays(kind: Records) -> None:
    days, a_little = timedelta(days=KEPT[kind.setting]), timedelta(hours=1)
    if kind.model in (Cost, Tally):  # of a whole day
        a_little = timedelta(days=1)
    for _ in range(3):
        make(kind, days + a_little)
    young = {make(kind, days - a_little) for _ in range(3)}

    assert sweep(kind) == 3
    assert sweep(kind) == 0
    assert left(kind) == young


@each_kind
def test_a_statement_takes_no_more_than_a_batch_the_oldest_first(
    kind: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    rows = [make(kind, timedelta(days=1000 - number)) for number in range(5)]

    assert sweep(kind) == 2
    assert left(kind) == set(rows[2:])
    assert [sweep(kind) for _ in range(3)] == [2, 1, 0]


def test_a_machine_whose_clock_is_wrong_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        make(kind, timedelta(days=-1))
    young = {kind.name: left(kind) for kind in KINDS}
    ahead = timezone.now() + timedelta(days=10_000)
    monkeypatch.setattr(timezone, "now", lambda: ahead)

    assert [sweep(kind) for kind in KINDS] == [0] * len(KINDS)
    assert {kind.name: left(kind) for kind in KINDS} == young


def test_zero_days_keep_no_raw_output(settings: Any) -> None:
    settings.RAW_DAYS = 0
    raw = next(kind for kind in KINDS if kind.model is ModelCall)
    make(raw, timedelta(seconds=2))

    assert sweep(raw) == 1
    assert ModelCall.objects.get().text == ""


def test_an_attempt_takes_its_model_calls_along() -> None:
    kind = next(kind for kind in KINDS if kind.model is Attempt)
    old = Attempt.objects.get(pk=make(kind, timedelta(days=5000)))
    ModelCall.objects.create(attempt=old)

    assert sweep(kind) == 1
    assert not ModelCall.objects.exists()


def test_hints_their_programs_and_people_stay(hint: Hint, student: User) -> None:
    for kind in KINDS:
        make(kind, timedelta(days=5000))
    for model in (Hint, Submission):
        model.objects.update(created_at=timezone.now() - timedelta(days=5000))

    call_command("retain")

    assert Hint.objects.get() == hint
    assert Submission.objects.get() == hint.submission
    assert User.objects.get() == student


def test_the_command_deletes_all_of_it_and_says_how_much(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "PAUSE_S", 0)
    for kind in KINDS:
        for _ in range(3):
            make(kind, timedelta(days=5000))

    call_command("retain")

    assert capsys.readouterr().out.splitlines() == [f"{kind.name}: 3 deleted" for kind in KINDS]
