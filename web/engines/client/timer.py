"""Until when the next chunk of a stream must be there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from broker.contract.job import Endpoint

T = TypeVar("T")
LINGER_S = 0.25
"""After [DONE] the end of the body is awaited this long: then the connection can be reused."""
TAIL_S = 2.0
"""After a finish reason usage and [DONE] are awaited this long; some servers send neither."""
LOOK_S = 0.05
"""A busy loop may find the alarm before the chunk that was there in time: it looks once more."""


class StreamTimer:
    """Counts words and thoughts, not bytes: keep-alive comments and empty frames are no progress.

    Belongs to the task that makes it. One alarm serves the whole stream, set again only when it
    rings too early: an asyncio.timeout a chunk would be a fifth of the cost of reading.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        task = asyncio.current_task()
        assert task is not None, "made outside a task"
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._idle_s = endpoint.idle_s
        self._deadline_s = self._loop.time() + endpoint.deadline_s
        self._until_s = min(self._deadline_s, self._loop.time() + endpoint.first_chunk_s)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_s = 0.0
        self._waiting = self._looks = self._rang = self._done = False
        self.began = False

    @property
    def flows(self) -> bool:
        """Whether words have come, and more may."""
        return self.began and not self._done

    def note_chunk(self) -> None:
        """A word or a thought came: before the first one, the model may think in hiding."""
        self.began = True
        self._wait_for(self._idle_s)

    def note_end(self) -> None:
        """A finish reason came."""
        self._wait_for(min(TAIL_S, self._idle_s))

    def note_done(self) -> None:
        """[DONE] came; what a server sends after that moves nothing."""
        if not self._done:
            self._done = True
            self._wait_for(LINGER_S)

    async def on(self, event: Awaitable[T]) -> T:
        """Raises: TimeoutError."""
        if self._alarm is None or self._until_s < self._alarm_s:
            self._set_alarm()
        self._waiting = True
        # Somebody else may cancel this task too: only our own cancellation becomes a TimeoutError.
        others = self._task.cancelling()
        try:
            return await event
        except BaseException as error:
            self.end()
            ours = self._rang and self._task.cancelling() == others + 1
            if ours and isinstance(error, asyncio.CancelledError):
                raise TimeoutError from None
            raise
        finally:
            self._waiting = False
            if self._rang:
                self._rang = False
                # Otherwise an asyncio.timeout around us would take our cancellation for its own.
                self._task.uncancel()

    def end(self) -> None:
        """No more waiting: the alarm is off. An event that raises ends it too."""
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def why(self) -> str:
        """What ran out, for the text of the error."""
        if self._loop.time() >= self._deadline_s:
            return "not finished by the deadline"
        return f"no chunk for {self._idle_s:g} s" if self.began else "no first chunk in time"

    def _wait_for(self, silence_s: float) -> None:
        self._looks = False
        self._until_s = min(self._deadline_s, self._loop.time() + silence_s)

    def _set_alarm(self) -> None:
        self.end()
        self._alarm_s = self._until_s
        self._alarm = self._loop.call_at(self._until_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if not self._waiting:
            return
        if self._loop.time() < self._until_s:
            self._set_alarm()
        elif not self._looks and self._until_s < self._deadline_s:
            self._looks = True
            self._alarm = self._loop.call_later(LOOK_S, self._ring)
        else:
            self._rang = True
            self._task.cancel()
