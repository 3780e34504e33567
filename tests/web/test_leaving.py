"""A student deletes their account: some days later, and only who knows the password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.web.kit import Caller
from web.courses.models import Course, Membership
from web.people import leaving
from web.people.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "fifteen calm geese"
PATH = "/accounts/leave/"


@pytest.fixture(autouse=True)
def quick(settings: Any, line: None) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def minji(student: User) -> User:
    student.set_password(PASSWORD)
    student.save()
    return student


@pytest.fixture
def browser(minji: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(minji)
    return client


def left(user: User) -> bool:
    user.refresh_from_db()
    return user.leaves_at is not None


def page(client: Client, path: str = PATH, language: str = "en") -> str:
    return client.get(path, headers={"Accept-Language": language}).content.decode()


def test_who_knows_the_password_leaves_in_seven_days(browser: Client, minji: User) -> None:
    assert PATH in page(browser, "/accounts/password/")

    answer = browser.post(PATH, {"password": PASSWORD})

    assert answer["Location"] == PATH
    assert left(minji)
    assert minji.leaves_at
    wait = minji.leaves_at - timezone.now()
    assert timedelta(days=6, hours=23) < wait <= timedelta(days=7)
    assert "Your account is deleted on" in page(browser, "/")
    assert "에 계정이 삭제돼요" in page(browser, "/", "ko")


def test_a_wrong_password_deletes_nothing_and_counts_as_a_sign_in(
    browser: Client, minji: User
) -> None:
    answer = browser.post(PATH, {"password": "wrong"})

    assert "incorrect" in answer.content.decode()
    assert not left(minji)
    for _ in range(10):
        browser.post(PATH, {"password": "wrong"})
    browser.post(PATH, {"password": PASSWORD})
    assert not left(minji), "ten wrong ones lock the name"


def test_asking_again_does_not_put_it_off(browser: Client, minji: User) -> None:
    browser.post(PATH, {"password": PASSWORD})
    minji.refresh_from_db()
    first = minji.leaves_at

    browser.post(PATH, {"password": PASSWORD})

    minji.refresh_from_db()
    assert minji.leaves_at == first


def test_until_then_one_may_stay(browser: Client, minji: User) -> None:
    browser.post(PATH, {"password": PASSWORD})
    assert "Keep my account" in page(browser)

    assert browser.post(PATH, {"stay": "1"})["Location"] == PATH

    assert not left(minji)
    assert "Your account is deleted on" not in page(browser, "/")


def test_due_is_only_whose_days_are_over(minji: User, browser: Client) -> None:
    User.objects.create_user("jun", leaves_at=timezone.now() + timedelta(hours=1))
    assert list(leaving.due()) == []

    User.objects.filter(pk=minji.pk).update(leaves_at=timezone.now() - timedelta(seconds=1))

    assert list(leaving.due()) == [minji]


@pytest.mark.parametrize("how", ["staff", "teacher"])
def test_who_enters_the_admin_is_told_to_ask_an_admin(
    browser: Client, minji: User, course: Course, how: str
) -> None:
    if how == "staff":
        User.objects.filter(pk=minji.pk).update(is_staff=True)
    else:
        Membership.objects.filter(user=minji).update(role=Membership.Role.TEACHER)

    assert "an admin has to delete your account" in page(browser)
    assert browser.post(PATH, {"password": PASSWORD}).status_code == 403
    assert not left(minji)


def test_nobody_leaves_without_signing_in(minji: User) -> None:
    answer = Client().post(PATH, {"password": PASSWORD})

    assert answer["Location"] == f"/accounts/login/?next={PATH}"
    assert not left(minji)
    assert Caller().get(PATH).status_code == 302
