"""The log of ended tasks: what each row holds, and that rows kept for later are not lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery.app.task import Context
from django.db import DatabaseError
from django_celery_results.models import TaskResult

from workers import results
from workers.app import app
from workers.results import Ledger, Results, ledger
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
BAD = "a\0b\ud83dc"
ENDED = {"state": "answered", "attempt": 1}


@pytest.fixture
def backend() -> Results:
    backend = app.backend
    assert isinstance(backend, Results)
    return backend


@pytest.fixture
def kept() -> Iterator[Ledger]:
    """The ledger of a worker that writes later."""
    ledger.open = True
    yield ledger
    ledger.open = False
    ledger.write()


def request(hint: str) -> Context:
    given = {"task": "generate_hint", "argsrepr": repr([hint]), "kwargsrepr": "{}"}
    return Context(given, hostname="gpu0-1@here", called_directly=False)


def store(backend: Results, hint: str, result: Any = ENDED, status: str = "SUCCESS") -> None:
    backend.store_result(f"{hint}-1", result, status, request=request(hint))


def test_a_result_is_written_as_django_celery_results_would(backend: Results) -> None:
    hint = str(uuid4())
    store(backend, hint)

    row = TaskResult.objects.get()
    assert (row.task_id, row.status, row.task_name) == (f"{hint}-1", "SUCCESS", "generate_hint")
    assert (row.worker, json.loads(row.result)) == ("gpu0-1@here", ENDED)
    assert hint in row.task_args
    assert row.date_done
    assert app.AsyncResult(f"{hint}-1").get() == ENDED


def test_a_failure_keeps_its_traceback(backend: Results) -> None:
    backend.store_result(
        "h-1", ValueError("no"), "FAILURE", traceback="line 3", request=request("h")
    )

    row = TaskResult.objects.get()
    assert (row.status, row.traceback) == ("FAILURE", "line 3")
    assert json.loads(row.result)["exc_type"] == "ValueError"


def test_the_last_word_on_a_task_counts(backend: Results, kept: Ledger) -> None:
    store(backend, "h", None, "STARTED")
    store(backend, "h")
    kept.write()
    store(backend, "h", {"late": True}, "FAILURE")
    kept.write()

    assert TaskResult.objects.get().status == "FAILURE"


def test_many_results_are_written_in_one_statement(
    backend: Results, kept: Ledger, django_assert_num_queries: Any
) -> None:
    for number in range(20):
        store(backend, f"h{number}")
    assert not TaskResult.objects.exists()

    with django_assert_num_queries(3):  # begin, insert, commit
        kept.write()

    assert TaskResult.objects.count() == 20
    assert kept.waiting == 0


def test_results_wait_for_a_database_that_is_down(
    backend: Results, kept: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(backend, "h")
    with monkeypatch.context() as broken:
        broken.setattr(results, "write", refuse)
        with pytest.raises(DatabaseError):
            kept.write()
    store(backend, "h", {"later": True})
    kept.write()

    assert json.loads(TaskResult.objects.get().result) == {"later": True}


def test_a_task_that_ends_again_meanwhile_is_written_again(
    backend: Results, kept: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = results.write

    def late(rows: Iterable[TaskResult]) -> None:
        write(rows)
        store(backend, "h", {"later": True})

    store(backend, "h")
    with monkeypatch.context() as slow:
        slow.setattr(results, "write", late)
        kept.write()
    kept.write()

    assert json.loads(TaskResult.objects.get().result) == {"later": True}


def refuse(_: object) -> None:
    raise DatabaseError("down")


async def test_a_runtime_writes_what_is_left_when_it_stops(
    runtime: Runtime, backend: Results
) -> None:
    other = Runtime("gpu0", "gpu0@other", 2)
    died: list[str] = []
    other.start(died=lambda: died.append("a loop"))
    store(backend, "h")

    await other.stop()

    assert not died
    assert not ledger.open
    assert await written() == ["h-1"]


async def written() -> list[str]:
    return [row.task_id async for row in TaskResult.objects.all()]


def test_a_result_with_a_broken_text_or_a_long_name_is_kept(backend: Results, kept: Ledger) -> None:
    asked = Context(
        {"task": "t" * 300, "argsrepr": "['\0']", "kwargsrepr": "\ud800"},
        hostname="w" * 200,
        called_directly=False,
    )
    store(backend, "good")
    backend.store_result("bad-1", ValueError(BAD), "FAILURE", traceback=BAD, request=asked)

    kept.write()

    row = TaskResult.objects.get(task_id="bad-1")
    assert (row.traceback, len(row.worker), len(row.task_name)) == ("a␀b\ufffdc", 100, 255)
    assert TaskResult.objects.count() == 2
    assert kept.waiting == 0
