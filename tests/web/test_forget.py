"""`python -m web forget USER`: no word of theirs stays, and everybody else's does."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import redis
from axes.models import AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone
from django_celery_results.models import TaskResult

from broker import dispatch, fleet, nodes, streams
from broker.connect import Broker
from broker.contract.events import EventKind
from broker.keys import STREAM
from broker.nodes import NodeState
from tests.web.kit import EXERCISE, TTL_S, WRONG, Caller, licensed, messages, queued
from web import link
from web.courses.models import Course, Exercise, Membership
from web.engines.models import AIModelConfig
from web.evaluation.models import Evaluation, Item, Program
from web.hints import ahead
from web.hints.models import Attempt, Diagnosis, Hint, ModelCall, Submission
from web.link import broker
from web.ops import forgetting
from web.ops.hints.models import BulkAction, SavedFilter
from web.people.models import Platform, User

pytestmark = pytest.mark.django_db
WORD = "zanzibar"
THEIRS = f"# {WORD}\n{WRONG}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker writes here."""
    monkeypatch.setattr(forgetting, "RESULTS_S", 0.0)


@pytest.fixture
def other(student: User, exercise: Exercise) -> User:
    """A classmate with a hint of their own, for the same program but for its words."""
    user = User.objects.create_user("jun")
    Membership.objects.create(user=user, course=exercise.course)
    kept(queued(user, exercise))
    return user


def kept(hint: Hint) -> None:
    """It has ended, with all that may be kept of a hint."""
    Hint.objects.filter(pk=hint.pk).update(
        state="answered", text="Look.", attempt=1, finished_at=timezone.now()
    )
    attempt = Attempt.objects.create(hint=hint, number=1, engine="gpu0")
    ModelCall.objects.create(attempt=attempt, purpose="write", text=hint.question)
    TaskResult.objects.create(task_id=f"{hint.pk}-1", result=hint.question)


@pytest.fixture
def theirs(api: Caller, student: User, exercise: Exercise) -> Hint:
    """A hint whose every field that a student can fill has the word."""
    hint = queued(student, exercise, code=THEIRS, question=f"why {WORD}")
    kept(hint)
    assert api.put(f"/v1/hints/{hint.pk}/reflection", {"text": f"I think {WORD} now"}).status_code
    api.put(f"/v1/hints/{hint.pk}/feedback", {"helpful": False, "comment": WORD})
    broker().run(streams.append(str(hint.pk), 1, 1, [(EventKind.PIECE, f'"{WORD}"')], "1"))
    key = {"exercise": exercise, "revision": 1, "model": "m"}
    Diagnosis.objects.create(**key, fingerprint="f", code=THEIRS, fix=f"# {WORD}\nx", done=True)
    Diagnosis.objects.create(**key, fingerprint="g", code=WRONG, fix="x", done=True)
    row = Evaluation.objects.create(engine="gpu0", model="m", set_name="last 7d")
    about = Program.objects.create(evaluation=row, name="1", code=THEIRS, question=f"why {WORD}")
    Item.objects.create(evaluation=row, kind="write", name="1", program=about, text=WORD)
    return hint


def holding(word: str) -> list[str]:
    """Every column of every table that has the word somewhere."""
    found = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            rows: Any = model._default_manager
            if any(word in str(value) for value in rows.values_list(field.name, flat=True)):
                found.append(f"{model._meta.label}.{field.name}")
    return found


def counts() -> dict[type[Model], int]:
    return {kind: kind._default_manager.count() for kind in (Hint, Submission, ModelCall, Attempt)}


def forget(user: User, *options: str) -> str:
    out = StringIO()
    call_command("forget", user.username, "--yes", *options, stdout=out)
    return out.getvalue()


def test_no_table_has_a_word_of_theirs_afterwards(theirs: Hint, student: User) -> None:
    AccessLog.objects.create(username=student.username, attempt_time=timezone.now())
    AccessFailureLog.objects.create(username=student.username)
    admin = User.objects.create_user("root")
    LogEntry.objects.create(
        user=admin, content_type=ContentType.objects.get_for_model(User), object_id=student.pk,
        object_repr=student.username, action_flag=CHANGE,
    )  # fmt: skip
    LogEntry.objects.create(
        user=admin, content_type=ContentType.objects.get_for_model(Course), object_id="1",
        object_repr="basics", action_flag=CHANGE,
        change_message=f'[{{"added": {{"object": "{student.username} · basics · student"}}}}]',
    )  # fmt: skip
    query = f"level=1&student={student.username}"
    SavedFilter.objects.create(user=admin, name="theirs", query=query)
    BulkAction.objects.create(by=admin, kind=BulkAction.Kind.DELETE, query=query)
    SavedFilter.objects.create(
        user=admin, name=f"{student.username}s loops", query=f"exercise={student.username}s"
    )
    SavedFilter.objects.create(user=admin, name=f"what {student.username} asked", query="level=1")
    assert {each.partition(".")[0] for each in holding(WORD)} == {"hints", "evaluation"} | {
        "django_celery_results"
    }

    said = forget(student)

    assert holding(WORD) == []
    kept = SavedFilter.objects.get()
    assert kept.name == f"{student.username}s loops", "it is another word"
    kept.delete()
    assert holding(student.username) == []
    assert "hints.Hint: 1" in said


def test_everybody_elses_words_stay(theirs: Hint, student: User, other: User) -> None:
    before = holding(WRONG)

    forget(student)

    assert counts() == dict.fromkeys(counts(), 1)
    assert Hint.objects.get().student == other
    assert {*before} - {*holding(WRONG)} == {"evaluation.Program.code"}, "which was theirs alone"
    assert Diagnosis.objects.get().code == WRONG
    assert TaskResult.objects.get().task_id == f"{Hint.objects.get().pk}-1"


@pytest.mark.parametrize("error", [redis.ResponseError("unknown command"), redis.ConnectionError()])
def test_a_redis_that_rewrites_nothing_is_told_and_no_error(
    theirs: Hint, student: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuses(*_: object) -> None:
        raise error

    monkeypatch.setattr(broker().client, "info", refuses)

    assert "append-only file still has old entries" in forget(student)
    assert not User.objects.filter(pk=student.pk).exists()


def test_a_program_that_waits_to_be_diagnosed_is_taken_back(
    api: Caller, student: User, exercise: Exercise
) -> None:
    AIModelConfig.objects.update(diagnoses=True, runs_ahead=True, model_name="m")
    licensed("m")
    api.run(WRONG)
    job = ahead.name(Diagnosis.objects.get().pk)
    assert broker().run(dispatch.known([job])) == {job}
    Diagnosis.objects.update(attempt=2)
    for number in (1, 2):
        TaskResult.objects.create(task_id=f"{job}-{number}")

    forget(student)

    assert broker().run(dispatch.known([job])) == set()
    assert not Diagnosis.objects.exists()
    assert not TaskResult.objects.exists()


def test_an_evaluation_keeps_its_figures(theirs: Hint, student: User) -> None:
    forget(student)

    assert Item.objects.get().text == ""
    assert Program.objects.get().code == ""


def test_of_one_that_is_done_no_text_stays(theirs: Hint, student: User) -> None:
    Program.objects.update(code="", question="")

    forget(student)

    assert holding(WORD) == []


def test_an_evaluation_that_runs_asks_nothing_more_about_their_program(
    theirs: Hint, student: User, course: Course
) -> None:
    row = Evaluation.objects.get()
    exercise = Exercise.objects.create(course=course, slug="p1")
    Program.objects.update(exercise=exercise)
    Item.objects.update(state=Item.State.OPEN)

    forget(student)

    assert Item.objects.get(evaluation=row).state == Item.State.DONE
    assert not Exercise.objects.filter(slug="p1").exists()


def test_who_writes_a_public_program_takes_nothing_from_the_set_of_it(
    theirs: Hint, student: User
) -> None:
    Evaluation.objects.update(set_name="shipped")

    forget(student)

    assert Program.objects.get().code == THEIRS


def test_redis_has_nothing_that_watchers_were_told(theirs: Hint, student: User) -> None:
    assert broker().client.exists(STREAM(str(theirs.pk)))

    forget(student)

    assert not broker().client.exists(STREAM(str(theirs.pk)))


def test_no_worker_writes_there_again(api: Caller, student: User) -> None:
    hint = api.ask().json()["id"]

    forget(student)

    late = streams.append(hint, 1, 1, [(EventKind.PIECE, f'"{WORD}"')])
    assert broker().run(late) is streams.Append.CLOSED


def test_what_waits_or_runs_is_taken_back_first(api: Caller, student: User) -> None:
    broker().run(fleet.set_engines({"gpu0": 1}))
    broker().run(fleet.beat("gpu0", "gpu0@here", 1, TTL_S))
    hint = api.ask().json()["id"]
    assert messages() == 1

    forget(student)

    assert not Hint.objects.exists()
    assert broker().run(dispatch.known([hint])) == set()


def test_a_worker_that_is_still_at_it_is_waited_for(
    api: Caller, student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker().run(fleet.set_engines({"gpu0": 1}))
    broker().run(fleet.beat("gpu0", "gpu0@here", 1, TTL_S))
    broker().run(nodes.beat("box", "token", NodeState(None)))
    hint = api.ask().json()["id"]
    assert broker().run(dispatch.claim(hint, "gpu0", "gpu0@here"))
    monkeypatch.setattr(forgetting, "SETTLED_S", 0.3)

    with pytest.raises(CommandError, match="A worker is still at one of their hints"):
        forget(student)

    assert Hint.objects.exists()
    assert Submission.objects.exists()
    assert api.get(f"/v1/hints?exercise={EXERCISE}").status_code == 200, "they may still come in"


def test_without_redis_nothing_is_deleted(
    theirs: Hint, student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Broker("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(link, "broker", lambda: dead)
    monkeypatch.setattr(forgetting, "broker", lambda: dead)

    with pytest.raises(CommandError, match="nothing was deleted"):
        forget(student)

    assert Hint.objects.filter(pk=theirs.pk).exists()


def test_nobody_signs_in_again_and_their_session_is_gone(
    api: Caller, theirs: Hint, student: User
) -> None:
    path = f"/v1/hints?exercise={EXERCISE}"
    assert api.get(path).status_code == 200

    forget(student)

    assert api.get(path).status_code == 401
    assert not Session.objects.exists()


def test_a_platforms_user_is_forgotten_too(theirs: Hint, student: User) -> None:
    platform = Platform.objects.create(slug="judge")
    User.objects.filter(pk=student.pk).update(platform=platform, username="judge:7f3c")
    student.refresh_from_db()

    forget(student)

    assert holding("7f3c") == []
    assert Platform.objects.exists()


@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}])
def test_who_may_enter_the_admin_is_not_forgotten(student: User, change: dict[str, bool]) -> None:
    User.objects.filter(pk=student.pk).update(**change)

    with pytest.raises(CommandError, match="its log would lose"):
        forget(student)

    assert User.objects.filter(pk=student.pk).exists()


def test_a_name_that_nobody_has_is_said() -> None:
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("forget", "nobody", "--yes")


def test_it_asks_first_and_deletes_nothing_where_nobody_can_be_asked(
    theirs: Hint, student: User
) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="add --yes"):
        call_command("forget", student.username, stdout=out)

    assert "hints: 1" in out.getvalue()
    assert Hint.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize(("typed", "gone"), [("minji", True), ("Minji", False), ("", False)])
def test_the_name_typed_once_more_is_the_yes(
    theirs: Hint, student: User, monkeypatch: pytest.MonkeyPatch, typed: str, gone: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: typed)

    if gone:
        call_command("forget", student.username, stdout=StringIO())
    else:
        with pytest.raises(CommandError, match="Nothing was deleted"):
            call_command("forget", student.username, stdout=StringIO())

    assert Hint.objects.filter(pk=theirs.pk).exists() is not gone


def test_who_never_asked_anything_is_forgotten_too(line: None, student: User) -> None:
    forget(student)

    assert not User.objects.filter(username="minji").exists()
