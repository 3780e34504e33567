"""The store's functions for code on the event loop: a thread with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")
Asked = tuple[Callable[[], Any], asyncio.Future[Any]]
Tell = Callable[[], None]


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
        """Raises: what the function raises. A connection that failed is not used again."""
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
        asked = [(call, answer) for call, answer in self._asked if not answer.done()]
        self._asked, self._busy = [], False
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
    return [done(call, answer) for call, answer in asked]


def done(call: Callable[[], Any], answer: asyncio.Future[Any]) -> Tell:
    try:
        # This may fail too. Outside, it would end the turns: nobody would be answered any more.
        close_old_connections()
        return partial(answer.set_result, call())
    except Exception as error:
        return partial(answer.set_exception, error)
