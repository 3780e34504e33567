"""The store's functions for code on the event loop: a thread with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
    transaction,
)

P = ParamSpec("P")
T = TypeVar("T")
Asked = tuple[Callable[[], Any], asyncio.Future[Any]]
Tell = Callable[[], None]
MOST = 32
"""Calls in one turn: on SQLite nobody else writes until it is committed."""


class Database:
    """Runs what blocks; the loop never waits for a query.

    What is asked while the thread is busy is its next turn, as to wake a thread takes as long as a
    query: so a busy worker wakes it once for many hints, and an idle one waits for nobody.
    """

    def __init__(self) -> None:
        # One for a process will do: SQLite takes one writer at a time anyway.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._asked: list[Asked] = []
        self._busy = False

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises: what the function raises. A connection that failed is not used again.

        Those of one turn share a transaction, and are undone and run again where one of them fails:
        a function changes nothing but rows. One that opens `atomic` makes no savepoint.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append((partial(function, *args, **kwargs), answer))
        if not self._busy:
            self._next_turn()
        return await answer

    def close(self) -> None:
        """Ends the thread and its connection; nothing may be asked afterwards."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    def _next_turn(self) -> None:
        # Who was cancelled meanwhile wants nothing written.
        wanted = [(call, answer) for call, answer in self._asked if not answer.done()]
        asked, self._asked = wanted[:MOST], wanted[MOST:]
        self._busy = False
        if not asked:
            return
        try:
            turn = asyncio.get_running_loop().run_in_executor(self._thread, turn_of, asked)
        except RuntimeError as ended:  # the thread is gone
            for _, answer in asked:
                answer.set_exception(ended)
            return
        turn.add_done_callback(partial(self._answer, asked))
        self._busy = True

    def _answer(self, asked: Sequence[Asked], turn: asyncio.Future[list[Tell]]) -> None:
        for (_, answer), tell in zip(asked, turn.result(), strict=True):
            if not answer.done():
                tell()
        self._next_turn()


def turn_of(asked: Sequence[Asked]) -> list[Tell]:
    """Runs the calls, in the thread; what is given tells each answer, on the loop."""
    if len(asked) > 1 and (told := together(asked)):
        return told
    return [done(call, answer) for call, answer in asked]


def together(asked: Sequence[Asked]) -> list[Tell]:
    """The turn in one transaction; nothing if a call failed, so that each is run by itself then.

    A commit costs as much as a statement, and after each the thread waits for Python's lock.
    """
    told: list[Tell] = []
    try:
        close_old_connections()
        with transaction.atomic():
            told = [partial(answer.set_result, call()) for call, answer in asked]
    except Exception as error:
        # Where the server is lost while it commits, nobody can tell whether it did: what is
        # written may not be done again.
        lost = isinstance(error, OperationalError | InterfaceError)
        return [partial(answer.set_exception, error) for _, answer in asked if told and lost]
    return told


def done(call: Callable[[], Any], answer: asyncio.Future[Any]) -> Tell:
    try:
        # This may fail too. Outside, it would end the turns: nobody would be answered any more.
        close_old_connections()
        return partial(answer.set_result, call())
    except Exception as error:
        return partial(answer.set_exception, error)
