"""A database that is full, read-only or away is 503 in the API, on pages and for streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import IntegrityError, connection

from tests.web.kit import EXERCISE, Caller, problem
from web.hints.models import Hint
from web.people.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own trouble"),
]
LONG = "# a long program\n" * 3000 + "def add(a, b):\n    return a - b\n"


def sqlite(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def full() -> Iterator[None]:
    sqlite("VACUUM")  # no page is free that rows of another test have left
    sqlite("PRAGMA max_page_count = 1")  # SQLite raises it to the pages that there are
    yield
    sqlite("PRAGMA max_page_count = 4294967294")


@contextmanager
def read_only() -> Iterator[None]:
    sqlite("PRAGMA query_only = 1")
    yield
    sqlite("PRAGMA query_only = 0")


@contextmanager
def away() -> Iterator[None]:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "/nowhere/at.all"
    yield
    connection.settings_dict["NAME"] = name


DOWN: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "full": full,
    "read-only": read_only,
    "away": away,
}


@pytest.mark.parametrize("way", DOWN)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_asking_for_a_hint_is_503(way: str, language: str, api: Caller, engine: object) -> None:
    api.headers["Accept-Language"] = language
    with DOWN[way]():
        answer = api.ask(code=LONG)

    body = problem(answer, 503, "database-down")
    assert body["title"].startswith("Nothing can be" if language == "en" else "지금은 저장")
    assert answer["Retry-After"]
    assert not Hint.objects.exists()
    assert api.ask(code=LONG).status_code == 202


def test_a_page_is_503_in_the_students_language(api: Caller) -> None:
    api.client.raise_request_exception = False
    for language, word in (("en", "Nothing can be saved"), ("ko", "저장하거나")):
        with away():
            answer = api.client.get(f"/c/{EXERCISE}/", headers={"Accept-Language": language})
        assert answer.status_code == 503
        assert word in answer.content.decode()
        assert answer["Retry-After"]


@pytest.mark.parametrize("way", ["read-only", "away"])
def test_signing_in_is_503(way: str, api: Caller) -> None:
    User.objects.create_user("jun", password="fifteen calm geese")
    api.client.logout()
    api.client.raise_request_exception = False
    form = {"username": "jun", "password": "fifteen calm geese"}
    with DOWN[way]():
        answer = api.client.post("/accounts/login/", form)

    assert answer.status_code == 503


def test_what_is_our_own_mistake_stays_500(
    api: Caller, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise IntegrityError("CHECK constraint failed")

    monkeypatch.setattr("web.hints.api.store.create", fail)

    problem(api.ask(), 500, "internal")
