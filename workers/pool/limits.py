"""A coroutine under its soft and hard time limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from time import monotonic
from types import coroutine
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from workers.pool.asynctask import Ended

log = logging.getLogger(__name__)
GRACE_S = 1.0
"""So long a coroutine may go on after its hard limit cancelled it; then it is left to itself."""


class Bounded:
    """At the soft limit SoftTimeLimitExceeded is raised in the coroutine; the hard one cancels it.

    soft_s, hard_s: seconds, None for no limit. Made and used on the loop.
    """

    def __init__(
        self,
        start: Callable[[], Coroutine[Any, Any, Any]],
        soft_s: float | None,
        hard_s: float | None,
    ) -> None:
        self._began_s = monotonic()
        self._soft_s = soft_s if soft_s and soft_s < (hard_s or soft_s + 1) else None
        self._hard_s = hard_s
        self._interrupt: Exception | None = None
        self._task = asyncio.create_task(self._run(start))

    def cancel(self) -> None:
        self._interrupt = None
        self._task.cancel()

    async def end(self, on_soft: Callable[[float], None]) -> Ended:
        """Waits for the coroutine; never raises. on_soft: told of the soft limit as it passes."""
        if self._soft_s and await self._outlasts(self._soft_s):
            on_soft(self._soft_s)
            self._interrupt = SoftTimeLimitExceeded(self._soft_s)
            self._task.cancel()
        left_s = self._hard_s and self._began_s + self._hard_s - monotonic()
        if await self._outlasts(left_s):
            self.cancel()
            if await self._outlasts(GRACE_S):
                log.error("a coroutine ignores its cancellation: %r", self._task)
            return Ended(self._began_s, error=TimeLimitExceeded(self._hard_s))
        if self._task.cancelled():
            return Ended(self._began_s, error=RuntimeError("the coroutine was cancelled"))
        error = self._task.exception()
        if error is None:
            return Ended(self._began_s, self._task.result())
        if not isinstance(error, Exception):
            error = RuntimeError(f"the coroutine ended with {error!r}")
        return Ended(self._began_s, error=error)

    async def _outlasts(self, seconds: float | None) -> bool:
        await asyncio.wait({self._task}, timeout=seconds)
        return not self._task.done()

    async def _run(self, start: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return await interruptible(start(), self._reason)
        except (SystemExit, KeyboardInterrupt) as error:
            # Either would stop the loop, and with it every other task.
            raise RuntimeError(f"the coroutine raised {error!r}") from error

    def _reason(self, error: BaseException) -> BaseException:
        task = asyncio.current_task()
        if self._interrupt is None or not isinstance(error, asyncio.CancelledError) or not task:
            return error
        task.uncancel()
        reason, self._interrupt = self._interrupt, None
        return reason


@coroutine
def interruptible(
    body: Coroutine[Any, Any, Any], reason: Callable[[BaseException], BaseException]
) -> Generator[Any, Any, Any]:
    """Awaits the body; what is thrown in on its way, a cancellation too, becomes reason(it).

    asyncio can only cancel; this is how a coroutine sees another exception at its await.
    """
    resume: Callable[[Any], Any] = body.send
    what: Any = None
    while True:
        try:
            awaited = resume(what)
        except StopIteration as end:
            return end.value
        try:
            what, resume = (yield awaited), body.send
        except BaseException as error:
            what, resume = reason(error), body.throw
