"""The store's functions for code on the event loop: a thread with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")
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
        self._asked: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises: what the function raises. A connection that failed is not used again."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append((partial(function, *args, **kwargs), answer))
        if self._answering is None:
            # An empty context: what is logged there is not about the hint of whoever came first.
            self._answering = asyncio.create_task(self._answer_all(), context=Context())
        return await answer

    def close(self) -> None:
        """Ends the thread and its connection."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _answer_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked:
            # Who was cancelled meanwhile wants nothing written.
            asked = [(call, answer) for call, answer in self._asked if not answer.done()]
            self._asked = []
            calls = map(outcome_of, [call for call, _ in asked])
            try:
                # A map calls nothing yet: the thread does, as it makes a list of it.
                outcomes = await loop.run_in_executor(self._thread, list, calls)
            except RuntimeError as ended:  # the thread is gone
                outcomes = [(None, ended)] * len(asked)
            for (_, answer), (value, error) in zip(asked, outcomes, strict=True):
                if answer.done():
                    continue
                if error is None:
                    answer.set_result(value)
                else:
                    answer.set_exception(error)
        self._answering = None


def outcome_of(call: Callable[[], Any]) -> Outcome:
    close_old_connections()
    try:
        return call(), None
    except Exception as error:
        return None, error
