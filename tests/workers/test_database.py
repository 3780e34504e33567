"""The thread of queries: what is asked while it is busy is one turn, each answer its caller's."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import OperationalError

from workers import database
from workers.database import Database

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
