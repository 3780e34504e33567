"""Both ends of a stream: a worker that writes events, and a browser that follows them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

from broker import streams
from broker.connect import AsyncBroker
from broker.contract.events import EventKind
from broker.streams import Append
from tests.web.events.reading import DEADLINE_S, Frame, parse
from web.events import frames
from web.events.feed import Feed, Final
from web.events.hub import Hub
from web.events.stream import Stream
from web.people.passes import Pass


class Worker:
    """Writes the events of one attempt."""

    def __init__(self, broker: AsyncBroker, hint: str, attempt: int = 1) -> None:
        self.broker, self.hint, self.attempt, self.seq = broker, hint, attempt, 0

    async def write(self, *kinds: EventKind) -> None:
        """Several go in one call."""
        events = [(kind, self.data(kind, n)) for n, kind in enumerate(kinds, self.seq + 1)]
        call = streams.append(self.hint, self.attempt, self.seq + 1, events)
        assert await self.broker.run(call) is Append.OK
        self.seq += len(kinds)

    def data(self, kind: EventKind, n: int) -> str:
        return json.dumps({"state": "answered"} if kind is EventKind.DONE else {"text": f"말 {n} "})


class Browser:
    """One stream as uvicorn would serve it. paused: while clear, nothing is taken off the wire."""

    def __init__(
        self,
        hub: Hub,
        hints: Iterable[str],
        last: str = "",
        finals: Mapping[str, Final] | None = None,
    ) -> None:
        self.feed = Feed(hints, frames.parse_ids(last), Pass(user=1))
        self.content = b""
        self.ended = False
        self.reading = asyncio.Event()
        self.reading.set()
        self._left = asyncio.Event()
        self._news = asyncio.Event()
        stream = Stream(hub, self.feed, finals or {})
        self.serving = asyncio.create_task(stream.run(self._receive, self._send))

    @property
    def frames(self) -> list[Frame]:
        return parse(self.content)

    @property
    def last(self) -> str:
        """Last-Event-ID."""
        return next((frame.id for frame in reversed(self.frames) if frame.id), "")

    def seen(self) -> list[str]:
        return [str(frame) for frame in self.frames]

    async def until(self, met: Callable[[], bool]) -> None:
        """Raises: TimeoutError when it is not met in time."""
        async with asyncio.timeout(DEADLINE_S):
            while not met():
                await self._news.wait()
                self._news.clear()

    async def has(self, count: int) -> None:
        await self.until(lambda: len(self.frames) >= count)

    async def end(self) -> list[str]:
        """What was seen, after the server has ended the stream."""
        async with asyncio.timeout(DEADLINE_S):
            await self.serving
        return self.seen()

    async def leave(self) -> None:
        self._left.set()
        self.reading.set()
        await self.end()

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.reading.wait()
        self.content += message.get("body", b"")
        self.ended = message["type"] == "http.response.body" and not message["more_body"]
        self._news.set()


async def eventually(met: Callable[[], Awaitable[bool]]) -> None:
    """Polls. Raises: TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        while not await met():  # noqa: ASYNC110  # what it asks for is in another process
            await asyncio.sleep(0.01)


def new_hint() -> str:
    return str(uuid4())
