"""Failed sign-ins make a name at its address wait, and an address over all names, nobody else."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db.models import F
from django.test import Client

from web.people import signin
from web.people.models import User

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "203.0.113.5", "198.51.100.7"
RIGHT, WRONG = "right-7 words", "wrong"
LIMIT = 12
DOORS = ("/accounts/login/", "/admin/login/")


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.AXES_FAILURE_LIMIT = 3
    monkeypatch.setattr(signin, "ADDRESS_LIMIT", LIMIT)


@pytest.fixture
def mina() -> User:
    return User.objects.create_user("mina", password=RIGHT)


def attempt(name: str, password: str, address: str = HERE, **more: Any) -> Any:
    door, language = more.get("door", DOORS[0]), more.get("language", "en")
    browser = Client(REMOTE_ADDR=address, headers={"Accept-Language": language})
    return browser.post(door, {"username": name, "password": password})


def status(name: str, password: str, address: str = HERE, **more: Any) -> int:
    return int(attempt(name, password, address, **more).status_code)


def pass_by(time: timedelta) -> None:
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - time)


@pytest.mark.parametrize("door", DOORS)
def test_a_name_waits_at_its_address_only(mina: User, door: str) -> None:
    told = [status("mina", WRONG, door=door) for _ in range(3)]

    assert told == [200, 200, 429]
    assert status("mina", RIGHT, door=door) == 429
    assert status("mina", RIGHT, ELSEWHERE, door=door) == 302


def test_only_what_ops_must_know_is_logged(mina: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def lines() -> list[str]:
        told = [each.getMessage() for each in caplog.records if each.name.startswith("axes")]
        caplog.clear()
        return told

    assert status("mina", RIGHT) == 302
    assert lines() == []
    status("mina", WRONG)
    assert len(lines()) == 1
    for _ in range(3):
        status("mina", WRONG)
    assert [line for line in lines() if "Locking out" in line]


@pytest.mark.parametrize("door", DOORS)
def test_an_address_that_tries_many_names_waits(mina: User, door: str) -> None:
    told = [status(f"name{number}", WRONG, door=door) for number in range(LIMIT + 3)]

    assert told == [200] * LIMIT + [429] * 3
    assert status("mina", RIGHT, door=door) == 429
    assert status("mina", RIGHT, ELSEWHERE, door=door) == 302
    # Nothing is written any more for who goes on.
    assert AccessAttempt.objects.count() == LIMIT


def test_a_classroom_is_not_locked_out_by_its_own_mistakes() -> None:
    for number in range(LIMIT * 2):
        User.objects.create_user(f"student{number}", password=RIGHT)
        assert status(f"student{number}", WRONG) == 200
        assert status(f"student{number}", RIGHT) == 302


def test_who_has_signed_in_here_before_goes_on_while_somebody_tries_names(mina: User) -> None:
    assert status("mina", RIGHT) == 302
    for number in range(LIMIT + 1):
        status(f"name{number}", WRONG)

    assert status("mina", RIGHT) == 302
    # Not without limit.
    assert [status("mina", WRONG) for _ in range(4)] == [200, 200, 429, 429]


def test_failures_are_forgotten_one_after_the_other(mina: User) -> None:
    for number in range(LIMIT):
        status(f"name{number}", WRONG)
        pass_by(timedelta(minutes=1))

    assert status("mina", RIGHT) == 429
    # The first one is twelve minutes old, and is forgotten after fifteen.
    pass_by(timedelta(minutes=2, seconds=50))
    assert status("mina", RIGHT) == 429
    pass_by(timedelta(seconds=20))
    assert status("mina", RIGHT) == 302


@pytest.mark.parametrize(("language", "words"), [("en", "Wait 12 minutes"), ("ko", "12분 뒤에")])
def test_the_page_says_how_long_to_wait(mina: User, language: str, words: str) -> None:
    for _ in range(3):
        status("mina", WRONG)
    pass_by(timedelta(minutes=3, seconds=5))

    # Trying on does not make it longer.
    for _ in range(3):
        answer = attempt("mina", RIGHT, language=language)

    assert answer.status_code == 429
    assert words in answer.content.decode()
    assert 11 * 60 < int(answer["Retry-After"]) < 12 * 60


def test_other_addresses_of_an_ipv6_network_are_the_same_stranger(mina: User) -> None:
    for number in range(LIMIT):
        status(f"name{number}", WRONG, f"2001:db8:1:2::{number}")

    assert status("mina", RIGHT, "2001:db8:1:2:ffff::1") == 429
    assert status("mina", RIGHT, "2001:db8:1:3::1") == 302
    # An IPv4 caller is not the network of all IPv4 callers.
    for number in range(LIMIT):
        status(f"other{number}", WRONG, "::ffff:203.0.113.9")
    assert status("mina", RIGHT, "::ffff:203.0.113.10") == 302


def test_without_an_address_only_names_wait(mina: User) -> None:
    for number in range(LIMIT + 1):
        assert status(f"name{number}", WRONG, "") == 200

    assert status("mina", RIGHT, "") == 302
