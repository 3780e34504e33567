"""Until when the next chunk of a stream must be there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from broker.contract.job import Endpoint

T = TypeVar("T")
LINGER_S = 0.25
"""After [DONE] the end of the body is awaited this long: then the connection can be reused."""


class Patience:
    """Counts parsed chunks, not bytes: an engine's keep-alive comments are no progress."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._now = asyncio.get_running_loop().time
        self._idle_s = endpoint.idle_s
        self._deadline_s = self._now() + endpoint.deadline_s
        self._until_s = min(self._deadline_s, self._now() + endpoint.first_chunk_s)
        self.began = False

    def note_chunk(self) -> None:
        self.began = True
        self._wait_for(self._idle_s)

    def note_done(self) -> None:
        self._wait_for(LINGER_S)

    async def on(self, event: Awaitable[T]) -> T:
        """Raises: TimeoutError."""
        async with asyncio.timeout_at(self._until_s):
            return await event

    def why(self) -> str:
        """What ran out, for the text of the error."""
        if self._now() >= self._deadline_s:
            return "not finished by the deadline"
        return f"no chunk for {self._idle_s:g} s" if self.began else "no first chunk in time"

    def _wait_for(self, silence_s: float) -> None:
        self._until_s = min(self._deadline_s, self._now() + silence_s)
