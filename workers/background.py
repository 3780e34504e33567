"""Ends tasks that run for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

AGAIN_S = 0.5


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Until they have ended.

    Once is not enough: up to Python 3.11 asyncio.wait_for, with which redis-py writes, loses a
    cancel that comes as its own work is done (python/cpython#86296).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
