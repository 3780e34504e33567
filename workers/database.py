"""The store's functions for code on the event loop: a few threads, each with its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 1
"""Connections of one worker process; SQLite takes one writer at a time anyway."""


class Database:
    """Runs what blocks; the loop never waits for a query."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises: what the function raises. A connection that failed is not used again."""

        def call() -> T:
            close_old_connections()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Ends the threads and their connections."""
        together = Barrier(THREADS)

        def leave() -> None:
            together.wait()  # so that each thread does it once
            connections.close_all()

        for _ in range(THREADS):
            self._threads.submit(leave)
        self._threads.shutdown()
