"""Hints that no model wrote are asked for once more, all that match a filter."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from broker.contract.hint import Reason, State
from tests.web.kit import licensed, live, queued, waiting
from tests.web.test_ops_hints import LIST, begin, ended, run
from web.courses.models import Exercise, Membership
from web.engines.models import Engine
from web.hints import store
from web.hints.models import Hint, Submission
from web.people.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def writes(engine: Engine) -> None:
    """A model that may write lives."""
    Engine.objects.update(model_name="fake")
    licensed()
    live()


def failed(student: User, exercise: Exercise, **columns: Any) -> Hint:
    return ended(student, exercise, **{"state": State.FAILED, "source": "evidence"} | columns)


def again(client: Client, **filters: str) -> str:
    """What the page says at the end."""
    return str(run(client, begin(client, do="again", **filters))["text"])


@pytest.mark.usefixtures("writes")
def test_what_failed_is_asked_for_again(admin: Client, student: User, exercise: Exercise) -> None:
    was = failed(student, exercise, level=2, question="Why 0?", locale="ko", charge=1)
    assert "1 hint." in admin.get(f"{LIST}act/", {"do": "again", "level": "2"}).content.decode()

    assert again(admin, level="2") == "1 of 1 done, 0 left out."

    made = Hint.objects.get(state=State.QUEUED)
    assert (made.submission_id, made.level, made.locale) == (was.submission_id, 2, "ko")
    assert (made.question, made.lane, made.charge) == ("Why 0?", "batch", 0)
    assert State(Hint.objects.get(pk=was.pk).state) is State.FAILED
    assert again(admin, level="2") == "0 of 1 done, 1 left out."
    assert store.cancel(str(made.pk))
    assert again(admin, level="2") == "0 of 1 done, 1 left out."
    assert Hint.objects.count() == 2


@pytest.mark.usefixtures("writes")
def test_a_withheld_one_too_and_it_has_a_place(
    admin: Client, student: User, exercise: Exercise
) -> None:
    failed(student, exercise, state=State.WITHHELD)
    before = waiting()

    assert again(admin, student="minji") == "1 of 1 done, 0 left out."

    assert waiting() == before + 1


@pytest.mark.usefixtures("writes")
@pytest.mark.parametrize("since", ["ran", "asked", "left", "quota", "answered", "cancelled"])
def test_what_is_left_alone(admin: Client, student: User, exercise: Exercise, since: str) -> None:
    hint = failed(student, exercise)
    match since:
        case "ran":
            Submission.objects.create(
                student=student, exercise=exercise, code="x", fingerprint="f", report={}
            )
        case "asked":
            queued(student, exercise)
        case "left":
            Membership.objects.filter(user=student).delete()
        case "quota":
            Hint.objects.filter(pk=hint.pk).update(reason=Reason.QUOTA)
        case state:
            Hint.objects.filter(pk=hint.pk).update(state=state)
    there = Hint.objects.count()

    # Some are not even among those that the action is for.
    of = 0 if since in ("quota", "answered", "cancelled") else 1
    assert again(admin, student="minji") == f"0 of {of} done, {of} left out."
    assert Hint.objects.count() == there


def test_what_no_model_may_write_is_left_alone(
    admin: Client, student: User, exercise: Exercise, engine: Engine
) -> None:
    failed(student, exercise)

    assert again(admin, student="minji") == "0 of 1 done, 1 left out."
    assert Hint.objects.count() == 1
