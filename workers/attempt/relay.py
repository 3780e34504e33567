"""From this worker to the watchers: events gathered a hint, sent for all in one round trip.

The same round trip asks which streams were closed by somebody else: that is how a cancel arrives.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from broker import streams
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from broker.contract.events import EventKind
from broker.scripts import Call
from broker.streams import Append

BUSY_PAUSE_S = 0.08
"""However busy the worker is, words leave at least this often; also the pause after a failure."""
PAUSES = 4
"""A pause is so many times as long as the mean sending: sending has a fifth of the time at most. An
idle worker sends in a millisecond, so words leave at once; a busy one gathers more.
"""
GATHER_S = 0.02
"""A shorter pause is not worth a stop of those who read what is to be sent."""
SENDINGS = 8
"""The mean is over about so many: a single slow one, as while a hint begins, holds nothing back."""
CANCEL_CHECK_S = 0.1
JSON = json.JSONEncoder(ensure_ascii=False)
log = logging.getLogger(__name__)


class Outgoing:
    """The events of one attempt, numbered here; on_closed is called once if they are refused."""

    def __init__(
        self,
        hint: str,
        attempt: int,
        owner: str,
        on_closed: Callable[[], None],
        on_put: Callable[[Outgoing], None] = lambda _: None,
    ) -> None:
        self.hint, self.attempt, self.owner = hint, attempt, owner
        self.closed = False
        self.on_closed, self._on_put = on_closed, on_put
        self._pending: list[tuple[EventKind, dict[str, Any]]] = []
        self._tried = 0
        """So many of the first ones are on their way, or were: they may be in the stream as is."""
        self._next_seq = 1

    def put(self, kind: EventKind, **data: Any) -> None:
        self._pending.append((kind, data))
        self._on_put(self)

    def piece(self, text: str) -> None:
        """Appends safe text; pieces that wait together for their first try become one event."""
        if len(self._pending) > self._tried and self._pending[-1][0] is EventKind.PIECE:
            self._pending[-1][1]["text"] += text
        else:
            self.put(EventKind.PIECE, text=text)

    def call(self) -> Call[Append] | None:
        """What is to be sent now; the same again until `sent` is told that it arrived."""
        if not self._pending or self.closed:
            return None
        # Redis may have taken them although the answer was lost: they are sent again unchanged.
        self._tried = len(self._pending)
        told = [(kind, JSON.encode(data)) for kind, data in self._pending]
        return streams.append(self.hint, self.attempt, self._next_seq, told, self.owner)

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
    """What all attempts of this process send, and the one loop that sends it."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker
        self._open: dict[str, Outgoing] = {}
        self._due: dict[str, Outgoing] = {}
        """Those with events that wait."""
        self._something = asyncio.Event()
        self._sending = asyncio.Lock()
        self._checked_s = 0.0
        self._mean_pause_s = 0.0

    def pause_s(self) -> float:
        """What is told now leaves only after about so long; 0 unless this worker is busy."""
        return self._mean_pause_s if self._mean_pause_s >= GATHER_S else 0.0

    def open(self, hint: str, attempt: int, owner: str, on_closed: Callable[[], None]) -> Outgoing:
        made = self._open[hint] = Outgoing(hint, attempt, owner, on_closed, self._note)
        return made

    def leave(self, outgoing: Outgoing) -> list[Call[Append]]:
        """Its last events, for the caller to send. Some may be on their way: they count once."""
        if self._open.get(outgoing.hint) is not outgoing:
            return []
        del self._open[outgoing.hint]
        self._due.pop(outgoing.hint, None)
        # It holds the attempt that holds it: Python finds such garbage late, and memory would grow.
        outgoing.on_closed = lambda: None
        call = outgoing.call()
        return [call] if call else []

    async def run(self) -> None:
        while True:
            await self._wait()
            began_s = monotonic()
            try:
                await self.flush()
            except BrokerDown as error:
                # What waits is sent when it is back; the final row does not depend on it.
                log.warning("events wait: %s", error)
                await asyncio.sleep(BUSY_PAUSE_S)
            else:
                pause_s = min(BUSY_PAUSE_S, PAUSES * (monotonic() - began_s))
                self._mean_pause_s += (pause_s - self._mean_pause_s) / SENDINGS
                await asyncio.sleep(self._mean_pause_s)

    async def flush(self) -> None:
        """Sends what waits, and asks what was closed. Raises: BrokerDown, with everything kept."""
        async with self._sending:
            # Before anything is read, so that what is put meanwhile makes the next flush.
            self._something.clear()
            due = [(out, out.waiting(), call) for out in self._due.values() if (call := out.call())]
            asked = self._to_check()
            calls: list[Call[Any]] = [call for *_, call in due]
            if asked:
                calls.append(streams.closed((out.hint, out.attempt) for out in asked))
            if not calls:
                return
            try:
                answers = await self._broker.run_many(calls)
            except BrokerDown:
                self._something.set()
                raise
            for (out, count, _), answer in zip(due, answers, strict=False):
                self._sent(out, count, answer)
            for out in asked:
                # One that has left meanwhile may have closed its stream itself.
                if out.hint in answers[-1] and self._open.get(out.hint) is out:
                    out.refused()

    def _sent(self, out: Outgoing, count: int, answer: Append) -> None:
        out.sent(count, answer)
        if self._due.get(out.hint) is out and not out.waiting():
            del self._due[out.hint]

    async def _wait(self) -> None:
        """Until there are events to send, or it is time to ask what was closed."""
        left_s = self._checked_s + CANCEL_CHECK_S - monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s) if self._open else None):
                await self._something.wait()

    def _note(self, outgoing: Outgoing) -> None:
        if self._open.get(outgoing.hint) is outgoing:
            self._due[outgoing.hint] = outgoing
            self._something.set()

    def _to_check(self) -> list[Outgoing]:
        now_s = monotonic()
        if now_s - self._checked_s < CANCEL_CHECK_S:
            return []
        self._checked_s = now_s
        return list(self._open.values())
