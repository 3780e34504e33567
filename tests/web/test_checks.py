"""`python -m web check --deploy`: each thing that is missing is named, and what would mend it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection

from broker.embedded import Embedded
from web.link import broker
from web.ops import checks
from web.runner import build
from web.tutor.writing import versions


def found() -> set[str]:
    """What an operator is shown."""
    messages = run_checks(include_deployment_checks=True)
    return {str(message.id) for message in messages if not message.is_silenced()}


@pytest.fixture
def valkey(home_valkey: Embedded) -> Iterator[Any]:
    """Its settings may be changed."""
    client = broker().client
    names = ("maxmemory-policy", "appendonly")
    before = {name: client.config_get(name)[name] for name in names}
    yield client
    for name, value in before.items():
        client.config_set(name, value)


@pytest.mark.django_db
def test_a_broker_and_a_database_that_are_fit_pass(
    valkey: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey.config_set("maxmemory-policy", "noeviction")
    valkey.config_set("appendonly", "yes")
    settings.HTTPS = True
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert not found()


@pytest.mark.django_db
def test_a_broker_that_may_lose_hints_is_named(
    valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    valkey.config_set("appendonly", "no")

    assert {"hintline.W001", "hintline.W002", "hintline.W003", "hintline.W004"} <= found()


@pytest.mark.django_db
def test_a_broker_that_is_down_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:a-secret@127.0.0.1:1/0")

    (message,) = checks.broker_keeps_what_it_is_given()

    assert message.id == "hintline.E001"
    assert "REDIS_URL" in str(message.hint)
    assert "a-secret" not in str(message)


def test_a_database_that_is_down_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", down)

    (message,) = checks.database_is_fit_for_many()

    assert message.id == "hintline.E002"


def test_machines_that_share_a_database_must_share_the_key(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HTTPS = True
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/n")
    assert [m.id for m in checks.secrets_are_shared_and_travel_safely()] == ["hintline.W005"]

    monkeypatch.setenv("HINTLINE_SECRET_KEY", "the same everywhere")

    assert not checks.secrets_are_shared_and_travel_safely()


def test_nothing_is_asked_when_it_is_no_deployment() -> None:
    """Most commands run the checks; some of them start what these ask."""
    assert not run_checks()


@pytest.mark.django_db
def test_a_sandbox_that_was_not_built_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)

    assert "hintline.E004" in found()


def test_prompts_that_cannot_be_used_are_named(more_prompts: Callable[[str], Path]) -> None:
    (more_prompts("v9") / "ko" / "2.toml").unlink()

    (message,) = run_checks(tags=["prompts"])

    assert message.id == "hintline.E005"
    assert str(message.msg).endswith("v9/ko/2.toml: is missing")


@pytest.mark.parametrize("command", ["check", "gate --jsonl"])
def test_without_the_prompts_in_use_nothing_starts(tmp_path: Path, command: str) -> None:
    shutil.copytree(versions.FOLDER / versions.CURRENT, tmp_path / versions.CURRENT)
    (tmp_path / versions.CURRENT / "en" / "words.toml").write_text("left_out = 3\n")
    program = (
        "import pathlib, sys; from web.__main__ import main;"
        "from web.tutor.writing import versions;"
        f"versions.FOLDER = pathlib.Path({str(tmp_path)!r}); sys.argv[1:] = {command.split()!r};"
        "main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], input="", capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 1
    assert "en/words.toml: faults is missing" in done.stderr
    assert "Traceback" not in done.stderr
