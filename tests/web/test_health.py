"""/livez and /readyz: who may ask, what is missing, and what many askers cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from broker.embedded import Embedded
from tests.web.kit import forget, licensed
from web.engines.models import Engine
from web.link import broker
from web.ops import health

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "readiness", health.Readiness())


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    parts = dict.fromkeys(("database", "migrations", "redis"), lambda: health.OK)
    monkeypatch.setattr(health, "PARTS", parts)
    return parts


def ask(path: str = "/readyz", **headers: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(path, headers=headers)
    assert "no-store" in answer["Cache-Control"]
    return answer.status_code, answer.json()


def test_whoever_asks_by_whatever_name_is_told_that_it_lives(
    parts: dict[str, Callable[[], str]],
) -> None:
    answer = Client().get("/livez", headers={"Host": "web:8000"})

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


def test_it_is_ready_when_nothing_is_missing(line: None) -> None:
    status, body = ask(host="web:8000")

    assert status == 200
    assert body == {
        "ready": True,
        "missing": [],
        "parts": {"database": "ok", "migrations": "ok", "redis": "ok"},
        "remarks": [health.REMARKS["writers"]],
    }


@pytest.mark.parametrize(
    ("levels", "remarks"), [({"en": [2]}, False), ({"ko": [1]}, False), ({}, True), (None, True)]
)
def test_it_says_that_no_model_may_write(
    line: None, engine: Engine, levels: dict[str, list[int]] | None, remarks: bool
) -> None:
    Engine.objects.update(model_name="m")
    forget()
    if levels is not None:
        licensed("m", levels=levels)

    status, body = ask()

    assert (status, body["ready"], bool(body["remarks"])) == (200, True, remarks)
    forget()


def test_a_redis_that_is_gone_is_named(line: None, home_valkey: Embedded) -> None:
    home_valkey.stop()
    try:
        status, body = ask()
    finally:
        home_valkey.start()

    assert (status, body["missing"]) == (503, ["redis"])


def test_a_redis_that_refuses_to_write_is_named(line: None) -> None:
    broker().client.config_set("min-replicas-to-write", 1)
    try:
        status, body = ask()
    finally:
        broker().client.config_set("min-replicas-to-write", 0)

    assert (status, body["missing"]) == (503, ["redis"])


def test_a_database_without_the_newest_migration_is_named(line: None) -> None:
    newest = sorted(health.newest())[0]
    row = MigrationRecorder.Migration.objects.get(app=newest[0], name=newest[1])
    MigrationRecorder.Migration.objects.filter(pk=row.pk).delete()
    try:
        status, body = ask()
    finally:
        row.save(force_insert=True)

    assert (status, body["missing"]) == (503, ["migrations"])
    assert body["parts"]["migrations"] == "behind"


def test_nothing_secret_is_told(parts: dict[str, Callable[[], str]]) -> None:
    def fail() -> str:
        raise OperationalError('password "hunter2" for user hintline')

    parts["database"] = fail

    status, body = ask()

    assert (status, body["parts"]["database"]) == (503, "down")
    assert "hunter2" not in str(body)


@pytest.fixture
def silent() -> Iterator[Event]:
    """What a silent server keeps a look waiting for."""
    event = Event()
    yield event
    event.set()


def test_a_silent_part_holds_up_nobody_and_one_thread(
    parts: dict[str, Callable[[], str]], silent: Event
) -> None:
    looks = []

    def hang() -> str:
        looks.append(1)
        silent.wait(60)
        return health.OK

    parts["redis"] = hang
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: ask(), range(40)))

    assert {(status, tuple(body["missing"])) for status, body in answers} == {(503, ("redis",))}
    assert answers[0][1]["parts"]["redis"] == "silent"
    assert len(looks) == 1


def test_many_askers_share_a_look(
    parts: dict[str, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "KEEP_S", 600)
    looks = []
    parts["redis"] = lambda: looks.append(1) or health.OK  # type: ignore[func-returns-value]

    assert [ask()[0] for _ in range(20)] == [200] * 20
    assert len(looks) == 1

    monkeypatch.setattr(health, "KEEP_S", 0)
    ask()
    assert len(looks) == 2
