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
Outcome = tuple[Any, Exception | None]
"""What a function returned, or what it raised."""


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
        if asked:
            calls = [call for call, _ in asked]
            try:
                turn = asyncio.get_running_loop().run_in_executor(self._thread, outcomes_of, calls)
            except RuntimeError as ended:  # the thread is gone
                for _, answer in asked:
                    answer.set_exception(ended)
                return
            turn.add_done_callback(partial(self._answer, asked))
            self._busy = True

    def _answer(self, asked: Sequence[Asked], turn: asyncio.Future[list[Outcome]]) -> None:
        for (_, answer), (value, error) in zip(asked, turn.result(), strict=True):
            if answer.done():
                continue
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(error)
        self._next_turn()


def outcomes_of(calls: Sequence[Callable[[], Any]]) -> list[Outcome]:
    return [outcome_of(call) for call in calls]


def outcome_of(call: Callable[[], Any]) -> Outcome:
    try:
        # This may fail too. Outside, it would end the turns: nobody would be answered any more.
        close_old_connections()
        return call(), None
    except Exception as error:
        return None, error
