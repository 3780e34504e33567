"""Who is signed in is found by SQL of our own: it must say what Django's would."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from web.people.models import User

pytestmark = pytest.mark.django_db


def signed_in(client: Client) -> bool:
    return client.get("/accounts/password/").status_code == 200


@pytest.fixture
def minji() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("minji", password="a long one"))
    assert signed_in(client)
    return client


def test_a_session_that_is_over_is_none(minji: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not signed_in(minji)


def test_a_session_that_was_deleted_is_none(minji: Client) -> None:
    Session.objects.all().delete()
    assert not signed_in(minji)


@pytest.mark.parametrize("key", ["", "x" * 32, "short", "a" * 10_000])
def test_a_key_of_nobody_is_none(db: None, key: str) -> None:
    client = Client()
    client.cookies["sessionid"] = key
    assert not signed_in(client)


def test_who_is_locked_out_or_gone_is_nobody(minji: Client) -> None:
    User.objects.update(is_active=False)
    assert not signed_in(minji)
    User.objects.update(is_active=True)
    assert signed_in(minji)
    User.objects.all().delete()
    assert not signed_in(minji)


def test_a_new_password_ends_the_other_sessions(minji: Client) -> None:
    user = User.objects.get()
    user.set_password("another long one")
    user.save()
    assert not signed_in(minji)


def test_who_signs_in_has_the_rights_of_the_row(db: None) -> None:
    User.objects.create_superuser("root", password="a long one")
    client = Client()
    client.post("/accounts/login/", {"username": "root", "password": "a long one"})
    assert client.get("/admin/people/user/").status_code == 200
    User.objects.update(is_superuser=False, is_staff=False)
    assert client.get("/admin/people/user/").status_code == 302
