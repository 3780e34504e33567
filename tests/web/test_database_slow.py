"""A database that is locked, loses its connections or takes no more of them: 503, and it passes."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from tests.web.kit import EXERCISE, Caller, problem
from web.engines.models import Engine
from web.hints.models import Hint
from web.people.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("line")]
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own trouble")
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="run it with TEST_DATABASE=postgresql"
)
HISTORY = f"/v1/hints?exercise={EXERCISE}"
Trouble = Callable[[], Any]


@contextmanager
def locked() -> Iterator[None]:
    """Another process writes, for longer than anybody waits."""
    before = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = before | {"timeout": 0.1}
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()
    connection.close()
    connection.settings_dict["OPTIONS"] = before


@contextmanager
def another() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as made:
        yield made


@contextmanager
def lost() -> Iterator[None]:
    """The server ends the connection that this thread has."""
    connection.ensure_connection()
    with another() as other:
        pid = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    yield
    # As Django does after each request.
    connection.close_if_unusable_or_obsolete()


@contextmanager
def crowded() -> Iterator[None]:
    """Others have all the connections that the server gives."""
    connection.close()
    with ExitStack() as others:
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            take_all(others)
        yield


def take_all(others: ExitStack) -> None:
    while True:
        others.enter_context(another())


@contextmanager
def read_only() -> Iterator[None]:
    with another() as other:
        name = connection.settings_dict["NAME"]
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.close()
        yield
        connection.close()
        other.execute("SET default_transaction_read_only = off")
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


TROUBLES = [
    pytest.param(locked, marks=on_sqlite),
    pytest.param(lost, marks=on_postgresql),
    pytest.param(crowded, marks=on_postgresql),
    pytest.param(read_only, marks=on_postgresql),
]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_asking_is_503_and_works_again_afterwards(
    api: Caller, engine: Engine, trouble: Trouble
) -> None:
    with trouble():
        answer = api.ask()

    problem(answer, 503, "database-down")
    assert int(answer["Retry-After"]) > 0
    assert not Hint.objects.exists()
    assert api.ask().status_code == 202


@pytest.mark.parametrize("trouble", TROUBLES)
def test_signing_in_is_503_and_works_again_afterwards(api: Caller, trouble: Trouble) -> None:
    form = {"username": "jun", "password": "fifteen calm geese"}
    User.objects.create_user(**form)
    client = Client(raise_request_exception=False)
    with trouble():
        answer = client.post("/accounts/login/", form)
    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (503, True)

    assert client.post("/accounts/login/", form).status_code == 302


@pytest.mark.parametrize("trouble", [*TROUBLES[1:3]])
@pytest.mark.parametrize("path", ["/", f"/c/{EXERCISE}/", "/admin/", HISTORY])
def test_reading_is_503(api: Caller, trouble: Trouble, path: str) -> None:
    api.client.raise_request_exception = False
    with trouble():
        assert api.get(path).status_code == 503

    assert api.get(path).status_code in {200, 302, 404}


@on_sqlite
def test_who_only_reads_does_not_notice_a_writer(api: Caller) -> None:
    with locked():
        assert api.get(HISTORY).status_code == 200
        assert api.get("/").status_code == 200


def test_a_server_that_does_not_answer_holds_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/n"
        env = os.environ | {"DATABASE_URL": url, "HINTLINE_DATA": str(tmp_path)}

        done = subprocess.run(
            [sys.executable, "-m", "web", "check", "--deploy", "--tag", "database"],
            env=env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
