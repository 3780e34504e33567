"""API tokens: only a hash is kept, and only a valid one of an active person opens the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.web.kit import Caller, problem
from web.api.auth import fresh
from web.api.models import ApiToken
from web.courses.models import Exercise
from web.hints.models import Hint

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(line: None, student: User, exercise: Exercise) -> str:
    row = ApiToken(user=student, name="script")
    text = fresh(row)
    row.save()
    return text


def test_a_token_needs_neither_session_nor_csrf(token: str, student: User) -> None:
    caller = Caller(token=token)
    caller.client = Client(enforce_csrf_checks=True)

    assert caller.ask().status_code == 202
    assert Hint.objects.get().student == student


def test_only_a_hash_is_kept(token: str) -> None:
    values = ApiToken.objects.values().get()

    assert token not in str(values)
    assert token.startswith(values["prefix"])
    assert len(values["prefix"]) == 8


@pytest.mark.parametrize("text", ["hl_wrong", "", "한글", "x" * 10_000])
def test_a_wrong_token_is_refused(token: str, text: str) -> None:
    problem(Caller(token=text or " ").ask(), 401, "not-signed-in")

    assert not Hint.objects.exists()


def test_a_wrong_token_is_not_saved_by_a_session(token: str, student: User) -> None:
    caller = Caller(student, token="hl_wrong")

    problem(caller.ask(), 401, "not-signed-in")


def test_an_expired_token_is_refused(token: str) -> None:
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert Caller(token=token).get("/v1/hints?exercise=basics/add").status_code == 200

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    problem(Caller(token=token).ask(), 401, "not-signed-in")


def test_a_token_of_somebody_locked_out_is_refused(token: str) -> None:
    User.objects.update(is_active=False)

    problem(Caller(token=token).ask(), 401, "not-signed-in")


def test_the_use_is_noted_at_most_every_five_minutes(token: str) -> None:
    caller = Caller(token=token)
    caller.get("/v1/hints?exercise=basics/add")
    first = ApiToken.objects.get().last_used_at
    assert first

    caller.get("/v1/hints?exercise=basics/add")
    assert ApiToken.objects.get().last_used_at == first

    ApiToken.objects.update(last_used_at=first - timedelta(minutes=6))
    caller.get("/v1/hints?exercise=basics/add")
    assert ApiToken.objects.get().last_used_at >= first


@pytest.mark.parametrize("key", ['"' + r"\000" * 32 + '"', r'"aaaaaaaa\000"', "A" * 32, "-" * 32])
@pytest.mark.parametrize("path", ["/", "/v1/hints?exercise=basics/add"])
def test_a_session_key_that_none_can_have_is_not_looked_for(
    line: None, path: str, key: str
) -> None:
    client = Client(headers={"Cookie": f"sessionid={key}"})

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)

    assert answer.status_code in (302, 401)
    assert not [each for each in asked if "django_session" in each["sql"]]
