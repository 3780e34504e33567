"""One open stream: the log first, then live, heartbeats in between, until every hint is done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from broker.base.errors import BrokerDown
from broker.base.times import COMMENT_S
from broker.contract.events import START
from web.events import frames
from web.events.feed import Feed, Final, Stage, Watch
from web.events.hub import Hub
from web.events.wire import Receive, Send, body, start
from web.people.private import PRIVATE

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": f"{PRIVATE}, no-transform",
    # nginx would hold events back until its buffer is full.
    "X-Accel-Buffering": "no",
}


class Stream:
    """One client's stream. finals: by id, those of its hints that had ended when it opened."""

    def __init__(self, hub: Hub, feed: Feed, finals: Mapping[str, Final]) -> None:
        self.hub, self.feed, self.finals = hub, feed, finals

    async def run(self, receive: Receive, send: Send) -> None:
        """Answers the request; returns when all is said, the client left, or the feed was ended."""
        self.send = send
        await start(send, 200, HEADERS)
        await body(send, frames.opening())
        hang_up = asyncio.create_task(self._hang_up(receive))
        try:
            await self.hub.follow(self.feed)
            await self._relay()
        except BrokerDown:
            pass  # the browser comes back by itself and resumes
        finally:
            hang_up.cancel()
            await self.hub.leave(self.feed)
        await body(send, b"", more=False)

    async def _relay(self) -> None:
        feed = self.feed
        while not feed.ended:
            behind = feed.behind()
            for watch in behind:
                await self._catch_up(watch)
            if feed.frames:
                await self._flush()
            elif feed.complete:
                return
            elif not behind and not await feed.stirred(COMMENT_S):
                await body(self.send, frames.HEARTBEAT)

    async def _catch_up(self, watch: Watch) -> None:
        watch.stage = Stage.READING
        log = await self.hub.read(watch.hint, watch.last)
        if log.tip is not None and log.tip.id < watch.last and watch.stage is not Stage.OVER:
            # The client claims events that this log never held: it was wiped, or the id is made up.
            watch.restart(START)
            log = await self.hub.read(watch.hint, START)
        if log.gone and watch.hint in self.finals:
            watch.conclude(self.finals[watch.hint])
        elif log.ends_at(watch.last):
            watch.close()
        else:
            watch.waiting = log.waiting
            moved = watch.replay(log.events)
            await self._flush()
            watch.caught_up(moved)

    async def _flush(self) -> None:
        if self.feed.frames:
            await body(self.send, self.feed.drain())

    async def _hang_up(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.feed.end()
