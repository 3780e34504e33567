"""A new password, signing out, and what no cache may keep."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.kit import Caller, queued
from web.courses.models import Exercise
from web.people.models import User

pytestmark = pytest.mark.django_db
OLD, NEW = "fifteen calm geese", "sixteen wild swans"
PATH = "/accounts/password/"


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def minji(student: User) -> User:
    student.set_password(OLD)
    student.save()
    return student


def signed_in(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def change(client: Client, old: str = OLD, new: str = NEW, again: str = NEW) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post(PATH, form)


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(minji: User) -> None:
    here, elsewhere = signed_in(minji), signed_in(minji)

    answer = change(here)

    assert answer["Location"] == "/accounts/password/done/"
    assert "Your password is changed" in here.get(answer["Location"]).content.decode()
    assert elsewhere.get("/").status_code == 302
    minji.refresh_from_db()
    assert minji.check_password(NEW)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"old": "wrong"}, "Your old password was entered incorrectly"),
        ({"again": "seventeen swans"}, "didn’t match"),
        ({"new": "swan", "again": "swan"}, "too short"),
        ({"new": "password1", "again": "password1"}, "too common"),
        ({"new": "", "again": ""}, "This field is required"),
    ],
)
def test_a_password_that_cannot_be_is_explained_at_its_field(
    minji: User, form: dict[str, str], told: str
) -> None:
    answer = change(signed_in(minji), **form)

    html = answer.content.decode()
    assert answer.status_code == 200
    assert told in html
    assert 'aria-invalid="true"' in html
    assert NEW not in html
    minji.refresh_from_db()
    assert minji.check_password(OLD)


def test_guessing_the_old_password_is_slowed_as_at_the_door(minji: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    client = signed_in(minji)

    assert [change(client, f"guess {n}").status_code for n in range(4)] == [200, 200, 429, 429]
    assert change(client).status_code == 429
    minji.refresh_from_db()
    assert minji.check_password(OLD)


@pytest.mark.parametrize(
    ("language", "words"),
    [("ko", ("비밀번호 바꾸기", "기존 비밀번호", "새 비밀번호")),
     ("en", ("Change your password", "Old password", "New password"))],
)  # fmt: skip
def test_the_page_speaks_the_readers_language(
    minji: User, language: str, words: tuple[str, ...]
) -> None:
    html = signed_in(minji).get(PATH, headers={"Accept-Language": language}).content.decode()

    assert not [word for word in words if word not in html]
    assert f'href="{PATH}"' in signed_in(minji).get("/").content.decode()


def test_the_admin_leads_to_the_same_page(minji: User) -> None:
    User.objects.filter(pk=minji.pk).update(is_staff=True)

    assert signed_in(minji).get("/admin/password_change/")["Location"] == PATH


def test_who_is_not_signed_in_is_asked_to(client: Client) -> None:
    for path in (PATH, f"{PATH}done/"):
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("door", ["/accounts/logout/", "/admin/logout/"])
def test_signing_out_tells_the_browser_to_forget(minji: User, door: str) -> None:
    User.objects.filter(pk=minji.pk).update(is_staff=True)
    client = signed_in(minji)

    answer = client.post(door)

    assert answer["Location"] == "/accounts/login/"
    # A script reads it.
    assert answer.cookies["signed_out"].value == "1"
    assert not answer.cookies["signed_out"]["httponly"]
    assert client.get("/").status_code == 302


def test_a_visit_alone_signs_nobody_out(minji: User) -> None:
    client = signed_in(minji)

    assert client.get("/accounts/logout/").status_code == 405
    assert client.get("/").status_code == 200


def kept_by_nobody(answer: Any) -> bool:
    words = {word.strip() for word in answer.get("Cache-Control", "").split(",")}
    return {"private", "no-store"} <= words


def test_no_cache_keeps_what_is_somebodys_own(
    api: Caller, student: User, exercise: Exercise
) -> None:
    hint = f"/v1/hints/{queued(student, exercise).pk}"
    tag = api.get(hint)["ETag"]
    unchanged = api.get(hint, tag)
    assert unchanged.status_code == 304
    answers = [
        api.get(hint),
        unchanged,
        api.get("/v1/hints?exercise=basics/add"),
        api.post("/v1/checks", {"exercise": "basics/add", "code": "x"}),
        api.ask(),
        api.post("/v1/hints", "no JSON"),
        api.get("/v1/nowhere"),
        Caller().get(hint),
        api.get("/"),
        api.get("/c/basics/add/"),
        api.get("/c/basics/none/"),
        api.get(PATH),
        api.get("/nowhere/"),
        Caller().get("/accounts/login/"),
        Caller(User.objects.create_superuser("root")).get("/admin/"),
    ]

    assert not [answer.request["PATH_INFO"] for answer in answers if not kept_by_nobody(answer)]


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/openapi.json", "/static/pages/app.css"])
def test_what_is_public_may_be_kept(path: str) -> None:
    answer = Client().get(path)
    answer.close()

    assert answer.status_code == 200
    assert "no-store" not in answer.get("Cache-Control", "")
