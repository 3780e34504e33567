"""From this worker to the watchers: pieces gathered a hint, sent for all in one round trip.

The same tick asks which streams were closed by somebody else: that is how a cancel arrives.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from broker import streams
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from broker.contract.events import Kind
from broker.scripts import Call
from broker.streams import Append

FLUSH_S = 0.04
"""Pieces of one hint leave at most this often: 25 events a second, and one round trip for all."""
CANCEL_CHECK_S = 0.1
log = logging.getLogger(__name__)


class Feed:
    """The events of one attempt, numbered here; on_closed is called once if they are refused."""

    def __init__(self, hint: str, attempt: int, owner: str, on_closed: Callable[[], None]) -> None:
        self.hint, self.attempt, self.owner, self.on_closed = hint, attempt, owner, on_closed
        self.closed = False
        self._pending: list[tuple[Kind, str]] = []
        self._tried = 0
        """So many of the first ones are on their way, or were: they may be in the stream as is."""
        self._next_seq = 1

    def put(self, kind: Kind, **data: Any) -> None:
        self._pending.append((kind, json.dumps(data, ensure_ascii=False)))

    def piece(self, text: str) -> None:
        """Appends safe text; pieces that wait together for their first try become one event."""
        if len(self._pending) > self._tried and self._pending[-1][0] is Kind.PIECE:
            text = json.loads(self._pending.pop()[1])["text"] + text
        self.put(Kind.PIECE, text=text)

    def call(self) -> Call[Append] | None:
        """What is to be sent now; the same again until `sent` is told that it arrived."""
        if not self._pending or self.closed:
            return None
        self._tried = len(self._pending)
        return streams.append(
            self.hint, self.attempt, self._next_seq, tuple(self._pending), self.owner
        )

    def sent(self, count: int, answer: Append) -> None:
        if answer is Append.CLOSED:
            self.refused()
            return
        del self._pending[:count]
        self._tried -= count
        self._next_seq += count

    def waiting(self) -> int:
        return len(self._pending)

    def refused(self) -> None:
        if not self.closed:
            self.closed = True
            self.on_closed()


class Relay:
    """All feeds of this process and the one loop that flushes them."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker
        self._feeds: dict[str, Feed] = {}
        self._checked_at = 0.0
        self._flushing = asyncio.Lock()

    def open(self, hint: str, attempt: int, owner: str, on_closed: Callable[[], None]) -> Feed:
        feed = self._feeds[hint] = Feed(hint, attempt, owner, on_closed)
        return feed

    def close(self, feed: Feed) -> None:
        if self._feeds.get(feed.hint) is feed:
            del self._feeds[feed.hint]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush(list(self._feeds.values()))
                await self._check_closed()
            except BrokerDown as error:
                # What waits is sent when it is back; the final row does not depend on it.
                log.warning("events wait: %s", error)

    async def flush(self, feeds: list[Feed]) -> None:
        """Sends what waits in these feeds. Raises: BrokerDown, with everything kept."""
        async with self._flushing:
            due = [(feed, feed.waiting(), call) for feed in feeds if (call := feed.call())]
            if due:
                answers = await self._broker.run_many([call for *_, call in due])
                for (feed, count, _), answer in zip(due, answers, strict=True):
                    feed.sent(count, answer)

    async def _check_closed(self) -> None:
        if not self._feeds or monotonic() - self._checked_at < CANCEL_CHECK_S:
            return
        self._checked_at = monotonic()
        feeds = list(self._feeds.values())
        closed = await self._broker.run(streams.closed((f.hint, f.attempt) for f in feeds))
        for feed in feeds:
            if feed.hint in closed:
                feed.refused()
