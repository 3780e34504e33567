"""One pub/sub connection for a whole process: every live event goes to the watches of its hint."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from redis.asyncio import Connection
from redis.exceptions import ConnectionError as LinkLost
from redis.exceptions import RedisError

from broker import streams
from broker.connect import AsyncBroker, listener
from broker.contract.events import Event, EventId
from broker.contract.hint import State
from broker.streams import Tip
from web.events.feed import Feed, Watch

PING_S = 15.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
log = logging.getLogger(__name__)


class Log(NamedTuple):
    """What a hint's log holds after an id. tip: its newest event; None: there is no log."""

    events: list[Event]
    tip: Tip | None

    @property
    def gone(self) -> bool:
        """Nothing was written yet, or it expired, or Redis was wiped."""
        return self.tip is None and not self.events

    @property
    def waiting(self) -> bool:
        return self.tip is None or self.tip.status in ("", State.QUEUED)

    def ends_at(self, id: EventId) -> bool:
        """Whether this id is the hint's done."""
        return self.tip is not None and self.tip.closed and self.tip.id == id


class Hub:
    """Subscribes, listens, reconnects. Whom it confirms must read the log to be live."""

    def __init__(self, broker: AsyncBroker, url: str | None = None) -> None:
        self.broker = broker
        self.down = False
        self.closing = False
        self._client = listener(url)
        self._watches: dict[str, set[Watch]] = {}
        self._link: Connection | None = None

    async def run(self) -> None:
        """Keeps a link until cancelled: a lost one is renewed; without Redis all streams end."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._connect()
                pause_s = FIRST_PAUSE_S
                await self._listen()
            except (RedisError, OSError) as error:
                # Without a link it was the connecting that failed: Redis cannot be reached at all.
                if self._link is None:
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                    self._give_up(error)
                else:
                    log.warning("lost the link to Redis, will reconnect: %s", error)
            finally:
                await self._disconnect()
            await asyncio.sleep(pause_s)

    async def aclose(self) -> None:
        """After `run` was cancelled."""
        await self._client.aclose(close_connection_pool=True)

    async def follow(self, feed: Feed) -> None:
        """Starts to hear the feed's hints; each of its watches is confirmed once Redis agrees."""
        if self.closing:
            feed.end()
        channels = [streams.channel(hint) for hint in feed.watches]
        for channel, watch in zip(channels, feed.watches.values(), strict=True):
            self._watches.setdefault(channel, set()).add(watch)
        # Also for a channel that others follow already: only a confirmation that comes after this
        # moment proves that nothing can be missed from here on.
        await self._command("SUBSCRIBE", channels)

    async def leave(self, feed: Feed) -> None:
        """Stops hearing the feed's hints; channels that nobody follows are unsubscribed."""
        empty = []
        for hint, watch in feed.watches.items():
            channel = streams.channel(hint)
            watches = self._watches.get(channel, set())
            watches.discard(watch)
            if not watches and self._watches.pop(channel, None) is not None:
                empty.append(channel)
        await self._command("UNSUBSCRIBE", empty)

    async def read(self, hint: str, last: EventId) -> Log:
        """Raises: BrokerDown."""
        return Log(*await self.broker.run_many([streams.after(hint, last), streams.tip(hint)]))

    def watches(self) -> Iterator[Watch]:
        return chain.from_iterable(self._watches.values())

    def close(self) -> None:
        """Ends every stream, and each one that still comes."""
        self.closing = True
        self._end_all()

    async def _connect(self) -> None:
        # redis-py's own PubSub would reconnect and subscribe behind our back, from any caller.
        link: Connection = self._client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await link.connect()  # type: ignore[no-untyped-call]
        self._link, self.down = link, False
        await self._command("SUBSCRIBE", list(self._watches))

    async def _disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.disconnect(nowait=True)

    async def _listen(self) -> None:
        """Until the link breaks. A silent one is asked for a sign of life, and given up without."""
        assert self._link is not None
        asked = False
        while True:
            reply = await self._link.read_response(timeout=PING_S, push_request=True)
            if reply is not None:
                asked = False
                self._take(reply)
            elif asked:
                raise LinkLost(f"no answer to PING in {PING_S:g} s")
            else:
                asked = True
                await self._command("PING", [])

    async def _command(self, word: str, channels: Sequence[str]) -> None:
        """Written before the first await, so the order of calls is the order on the wire.

        A broken link is no error here: its reader sees it too, and the next link subscribes to all.
        """
        if self._link is None or not self._link.is_connected or not (channels or word == "PING"):
            return
        with suppress(RedisError, OSError):
            await self._link.send_command(word, *channels, check_health=False)

    def _take(self, reply: Any) -> None:
        if not isinstance(reply, list):
            return
        word, channel = reply[0], reply[1].decode()
        if word == b"subscribe":
            for watch in self._watches.get(channel, ()):
                watch.confirm()
        elif word == b"message" and channel in self._watches:
            event = streams.parse_published(reply[2])
            for watch in self._watches[channel]:
                watch.hear(event)

    def _give_up(self, error: Exception) -> None:
        if not self.down:
            log.error("Redis cannot be reached, all event streams end: %s", error)
        self.down = True
        self._end_all()

    def _end_all(self) -> None:
        for watch in self.watches():
            watch.feed.end()
