"""API tokens: only a hash is kept, and only a valid one of an active person opens the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.web.kit import Caller, problem
from web.api.problem import NOT_SIGNED_IN, TOO_MANY_TRIES, Problem
from web.courses.models import Exercise
from web.hints.models import Hint
from web.people import auth
from web.people.auth import who
from web.people.models import ApiToken, User
from web.people.passes import holding
from web.people.tokens import fresh
from web.people.tries import MOST_ADDRESSES, Tries

pytestmark = pytest.mark.django_db
HISTORY = "/v1/hints?exercise=basics/add"


@pytest.fixture(autouse=True)
def tries(monkeypatch: pytest.MonkeyPatch) -> Tries:
    """Nobody has failed yet."""
    fresh_tries = Tries(limit=5, per_s=0.2)
    monkeypatch.setattr(auth, "wrong_tokens", fresh_tries)
    return fresh_tries


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


@pytest.mark.parametrize(("language", "word"), [("en", "API token is wrong"), ("ko", "API 토큰")])
def test_a_wrong_token_is_said_to_be_wrong(token: str, language: str, word: str) -> None:
    wrong = Caller(token="hl_wrong", language=language).get("/v1/hints?exercise=basics/add")
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = Caller(token=token, language=language).ask()

    for answer in (wrong, expired):
        assert word in problem(answer, 401, "not-signed-in")["detail"]
    nobody = problem(Caller(language=language).ask(), 401, "not-signed-in")
    assert nobody["detail"] == ""


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


def caller_at(address: str, token: str) -> Caller:
    caller = Caller(token=token)
    caller.client = Client(REMOTE_ADDR=address)
    return caller


def test_an_address_with_many_wrong_tokens_is_told_to_wait(token: str) -> None:
    for number in range(5):
        problem(caller_at("203.0.113.5", f"hl_{number}").get(HISTORY), 401, "not-signed-in")

    answer = caller_at("203.0.113.5", "hl_again").get(HISTORY)

    problem(answer, 429, "too-many-tries")
    assert 1 <= int(answer["Retry-After"]) <= 5
    # A broken program locks out neither the others at its address nor anybody elsewhere.
    assert caller_at("203.0.113.5", token).get(HISTORY).status_code == 200
    problem(caller_at("203.0.113.6", "hl_wrong").get(HISTORY), 401, "not-signed-in")


def test_an_ipv6_caller_has_one_network_however_many_addresses(token: str) -> None:
    for number in range(5):
        caller_at(f"2001:db8:1:2::{number}", "hl_wrong").get(HISTORY)

    problem(caller_at("2001:db8:1:2:ffff::1", "hl_wrong").get(HISTORY), 429, "too-many-tries")
    problem(caller_at("2001:db8:1:3::1", "hl_wrong").get(HISTORY), 401, "not-signed-in")


def test_event_streams_count_wrong_tokens_too(token: str) -> None:
    request = RequestFactory().get("/v1/events", headers={"Authorization": "Bearer hl_wrong"})
    for _ in range(5):
        with pytest.raises(Problem) as error:
            who(request)
        assert error.value.kind is NOT_SIGNED_IN

    with pytest.raises(Problem) as error:
        who(request)
    assert error.value.kind is TOO_MANY_TRIES


def test_failed_tries_are_forgotten_at_a_steady_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Tries(limit=3, per_s=0.5)

    def failed(now: float) -> int:
        monkeypatch.setattr("web.people.tries.monotonic", lambda: now)
        return tries.failed("a")

    assert [failed(now=0) for _ in range(3)] == [0, 0, 0]
    # Trying on while over the limit does not make the wait longer.
    assert [failed(now=0) for _ in range(9)] == [2] * 9
    assert failed(now=1) == 1
    assert failed(now=2) == 0
    assert failed(now=2) == 2
    assert [failed(now=1000) for _ in range(4)] == [0, 0, 0, 2]


def test_only_so_many_addresses_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.people.tries.monotonic", lambda: 0)
    tries = Tries(limit=1, per_s=0.1)
    tries.failed("first")
    for number in range(MOST_ADDRESSES):
        tries.failed(str(number))

    assert len(tries._levels) == MOST_ADDRESSES
    assert tries.failed("first") == 0


def test_a_stream_leaves_a_session_of_an_earlier_secret_key_as_it_is(
    student: User, settings: Any
) -> None:
    client = Client()
    client.force_login(student)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    request = RequestFactory().get("/v1/events")
    request.COOKIES["sessionid"] = key = client.cookies["sessionid"].value

    user, holder = who(request)

    assert user == student
    assert Session.objects.filter(pk=key).exists()
    assert holding([holder]) == {holder}


@pytest.mark.parametrize("key", ['"' + r"\000" * 32 + '"', r'"aaaaaaaa\000"'])
@pytest.mark.parametrize("path", ["/", "/v1/hints?exercise=basics/add"])
def test_a_session_key_with_a_nul_is_not_looked_for(line: None, path: str, key: str) -> None:
    client = Client(headers={"Cookie": f"sessionid={key}"})

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)

    assert answer.status_code in (400, 422)
    assert not [each for each in asked if "django_session" in each["sql"]]
