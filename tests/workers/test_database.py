"""The thread of queries: what is asked while it is busy is one turn, each answer its caller's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import uuid4

import pytest
from celery.app.task import Context
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django_celery_results.models import TaskResult

from web.hints.models import Attempt
from workers import database
from workers.app import app
from workers.database import MOST, Database
from workers.results import ledger

pytestmark = pytest.mark.django_db(transaction=True)


class Asked:
    """Questions that wait while the first one holds the thread, and what was done of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.go = Database(), threading.Event()
        self.done: list[str] = []
        self.turns: list[int] = []
        turn_of = database.turn_of

        def counted(calls: list[object]) -> object:
            self.turns.append(len(calls))
            return turn_of(calls)  # type: ignore[arg-type]

        monkeypatch.setattr(database, "turn_of", counted)
        self.first = self.ask("first", self.go.wait)

    def ask(self, name: str, run: object = None) -> asyncio.Task[str]:
        def answer() -> str:
            self.done.append(name)
            if callable(run):
                run()
            return name

        return asyncio.create_task(self.database.run(answer))

    async def end(self) -> None:
        await asyncio.sleep(0)
        self.go.set()


def fail() -> None:
    raise ValueError("no such row")


async def test_what_is_asked_meanwhile_is_one_turn_in_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    rest = [asked.ask(name) for name in ("a", "b", "c")]
    await asked.end()

    assert await asyncio.gather(asked.first, *rest) == ["first", "a", "b", "c"]
    assert asked.done == ["first", "a", "b", "c"]
    assert asked.turns == [1, 3]
    assert await asked.ask("later") == "later"
    asked.database.close()


async def test_an_error_is_its_callers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    bad, good = asked.ask("bad", fail), asked.ask("good")
    await asked.end()

    with pytest.raises(ValueError, match="no such row"):
        await bad
    assert await good == "good"
    asked.database.close()


def row(name: str) -> TaskResult:
    return TaskResult.objects.create(task_id=name)


async def rows(database: Database) -> list[str]:
    found = TaskResult.objects.order_by("task_id").values_list("task_id", flat=True)
    return await database.run(lambda: list(found))


async def test_a_turn_of_several_is_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    commit = BaseDatabaseWrapper._commit

    def counted(self: BaseDatabaseWrapper) -> None:
        commits.append(self.alias)
        commit(self)

    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    rest = [asked.ask(name, partial(row, name)) for name in ("a", "b", "c")]
    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", counted)
    await asked.end()
    await asyncio.gather(*rest)

    assert len(commits) == 1
    assert await rows(asked.database) == ["a", "b", "c"]
    asked.database.close()


def twice() -> None:
    row("twice")
    row("twice")


def no_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")


def stray() -> None:
    """Found out when it is committed: SQLite and PostgreSQL look at foreign keys late."""
    Attempt.objects.create(hint_id=uuid4(), number=1, engine="gpu0")


@pytest.mark.parametrize("failing", [fail, twice, no_statement, stray])
async def test_a_call_that_fails_undoes_none_of_its_turn(
    failing: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    before = asked.ask("a", partial(row, "a"))
    bad = asked.ask("bad", failing)
    after = asked.ask("b", partial(row, "b"))
    await asked.end()

    with pytest.raises((ValueError, DatabaseError)):
        await bad
    assert await asyncio.gather(before, after) == ["a", "b"]
    assert [name for name in await rows(asked.database) if name != "twice"] == ["a", "b"]
    asked.database.close()


def mended() -> None:
    """As a hint's end goes on without its model calls where they cannot be kept."""
    with suppress(IntegrityError), transaction.atomic(savepoint=False):
        twice()
    row("mended")


async def test_a_call_may_go_on_after_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    both = asked.ask("a", partial(row, "a")), asked.ask("mended", mended)
    await asked.end()

    assert await asyncio.gather(*both) == ["a", "mended"]
    assert await rows(asked.database) == ["a", "mended"]
    asked.database.close()


async def test_what_may_be_committed_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = BaseDatabaseWrapper._commit

    def lost(self: BaseDatabaseWrapper) -> None:
        commit(self)
        raise OperationalError("the server closed the connection")

    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    rest = [asked.ask(name, partial(row, name)) for name in ("a", "b")]
    with monkeypatch.context() as broken:
        broken.setattr(BaseDatabaseWrapper, "_commit", lost)
        await asked.end()
        ended = await asyncio.gather(*rest, return_exceptions=True)

    assert [type(error) for error in ended] == [OperationalError] * 2
    assert asked.done == ["first", "a", "b"]
    assert await rows(asked.database) == ["a", "b"]
    asked.database.close()


async def test_results_are_not_lost_with_the_turn_that_is_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    monkeypatch.setattr(ledger, "open", True)
    app.backend.store_result("t", {}, "SUCCESS", request=Context(called_directly=False))
    written, bad = asked.ask("written", ledger.write), asked.ask("bad", fail)
    await asked.end()
    await asyncio.gather(written, bad, return_exceptions=True)

    assert await rows(asked.database) == ["t"]
    assert ledger.waiting == 0
    asked.database.close()


async def test_a_turn_is_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    rest = [asked.ask(str(number)) for number in range(MOST + 2)]
    await asked.end()
    await asyncio.gather(*rest)

    assert asked.turns == [1, MOST, 2]
    asked.database.close()


async def test_an_old_connection_that_cannot_be_closed_fails_its_caller_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a worker would look alive, and never hear of its database again."""
    errors = [OperationalError("the server is gone")]

    def close() -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr(database, "close_old_connections", close)
    asked = Database()

    with pytest.raises(OperationalError):
        await asyncio.wait_for(asked.run(int, "1"), 5)
    assert await asyncio.wait_for(asked.run(int, "2"), 5) == 2
    asked.close()


async def test_what_nobody_waits_for_any_longer_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    await asyncio.sleep(0)
    gone, other = asked.ask("gone"), asked.ask("other")
    await asyncio.sleep(0)
    gone.cancel()
    await asked.end()

    assert await other == "other"
    assert asked.done == ["first", "other"]
    asked.database.close()


async def test_who_asks_when_the_thread_has_ended_is_told_so() -> None:
    database = Database()
    database.close()

    for _ in range(2):
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(database.run(fail), 5)
