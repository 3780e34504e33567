"""Loops that run beside the work of a process, and what happens when one dies of a bug."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

log = logging.getLogger(__name__)


def begin(
    loops: Iterable[Coroutine[Any, Any, None]], died: Callable[[], None]
) -> list[asyncio.Task[None]]:
    """Starts them; died is called when one ends by an error that it did not expect.

    A process whose heartbeat or rescue is gone looks alive and is not: it had better be restarted.
    """

    def ended(task: asyncio.Task[None]) -> None:
        # A loop that was cancelled ended with its process, in order.
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a background loop died: %s", task.get_coro(), exc_info=error)
            died()

    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(ended)
    return tasks


async def every(
    period_s: float, step: Callable[[], Coroutine[Any, Any, None]], *passing: type[Exception]
) -> None:
    """Takes the step for ever, with a pause after each; an error that will pass is only logged."""
    while True:
        try:
            await step()
        except passing as error:
            log.warning("%s waits: %s", step.__qualname__, error)
        await asyncio.sleep(period_s)
