"""No word is lost or doubled on its way to the stream, whenever it is written or sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import streams
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from broker.contract import events
from broker.contract.events import EventKind
from broker.contract.hint import State
from broker.embedded import Embedded
from broker.scripts import Call
from broker.streams import Append
from workers.attempt.relay import BUSY_PAUSE_S, CANCEL_CHECK_S, GATHER_S, SENDINGS, Outgoing, Relay

STEPS = st.lists(st.sampled_from(["piece", "send", "arrive", "reply lost", "never arrives"]))


class Stream:
    """What append.lua keeps of a call: events that are there already stay as they are."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def append(self, arguments: tuple[object, ...]) -> None:
        first, flat = int(str(arguments[2])), [str(each) for each in arguments[6:]]
        given = list(zip(flat[::2], flat[1::2], strict=True))
        assert first <= len(self.events) + 1, "a gap"
        self.events += given[len(self.events) + 1 - first :]

    def words(self) -> str:
        pieces = [json.loads(data)["text"] for kind, data in self.events if kind == EventKind.PIECE]
        return "".join(pieces)


@given(STEPS)
def test_the_stream_has_each_word_once(steps: list[str]) -> None:
    outgoing, stream = Outgoing("hint", 1, "owner", lambda: None), Stream()
    written = ""
    flying: tuple[tuple[object, ...], int] | None = None

    for number, step in enumerate([*steps, "arrive", "send", "arrive"]):
        if step == "piece":
            outgoing.piece(f"{number} ")
            written += f"{number} "
        elif step == "send" and flying is None:
            count, call = outgoing.waiting(), outgoing.call()
            flying = (call.args, count) if call else None
        elif flying is not None and step in ("arrive", "reply lost", "never arrives"):
            arguments, count = flying
            flying = None
            if step != "never arrives":
                stream.append(arguments)
            if step == "arrive":
                outgoing.sent(count, Append.OK)

    assert stream.words() == written


def test_pieces_that_wait_together_become_one_event() -> None:
    outgoing = Outgoing("hint", 1, "owner", lambda: None)

    for word in ("one ", "two ", "three"):
        outgoing.piece(word)

    assert outgoing.waiting() == 1


class Held(AsyncBroker):
    """A real broker whose round trips can be held up, and are noted."""

    def __init__(self) -> None:
        super().__init__()
        self.trips: list[list[str]] = []
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.down = 0

    async def run_many(self, calls: Sequence[Call[Any]]) -> list[Any]:
        self.trips.append([call.args[0] for call in calls if call.script == "append"])
        self.begun.set()
        await self.go.wait()
        if self.down:
            self.down -= 1
            raise BrokerDown("a test")
        return await super().run_many(calls)


@pytest.fixture
async def held(home_valkey: Embedded) -> AsyncIterator[Held]:
    broker = Held()
    yield broker
    await broker.aclose()


@pytest.fixture
async def relay(held: Held) -> AsyncIterator[Relay]:
    """One that runs."""
    relay = Relay(held)
    running = asyncio.create_task(relay.run())
    yield relay
    running.cancel()


def opened(relay: Relay, number: int = 1) -> list[Outgoing]:
    """Of as many new hints."""
    return [relay.open(str(uuid4()), 1, "owner", lambda: None) for _ in range(number)]


async def turns(held: Held, trips: int) -> None:
    """Until so many round trips were begun."""
    while len(held.trips) < trips:
        await held.begun.wait()
        held.begun.clear()


async def stream(held: Held, out: Outgoing) -> list[str]:
    return [
        json.loads(event.data).get("text", event.kind)
        for event in await held.run(streams.after(out.hint))
    ]


async def test_words_that_come_while_others_are_sent_go_together(held: Held, relay: Relay) -> None:
    first, second, third = opened(relay, 3)
    first.piece("one ")
    await turns(held, 1)

    for out in (second, first, third, first):
        out.piece("more ")
    held.go.set()
    await turns(held, 2)
    await relay.flush()

    hints = [first.hint, second.hint, third.hint]
    assert [sorted(trip) for trip in held.trips[:2]] == [[first.hint], sorted(hints)]
    assert await stream(held, first) == ["one ", "more more "]
    assert await stream(held, third) == ["more "]


async def test_who_reads_pauses_where_words_leave_slowly_for_a_while(
    held: Held, relay: Relay
) -> None:
    (out,) = opened(relay)
    pauses = [relay.pause_s()]

    for _ in range(3 * SENDINGS):
        held.go.clear()
        out.piece("more ")
        await turns(held, len(held.trips) + 1)
        await asyncio.sleep(GATHER_S)
        held.go.set()
        await relay.flush()
        pauses.append(relay.pause_s())

    assert pauses[:2] == [0, 0], "one slow sending is no busy worker"
    assert GATHER_S < pauses[-1] <= BUSY_PAUSE_S


async def test_a_relay_with_nothing_to_send_asks_nothing(held: Held, relay: Relay) -> None:
    held.go.set()
    (out,) = opened(relay)
    out.piece("one ")
    await turns(held, 1)
    await held.run_many(relay.leave(out))
    before = len(held.trips)

    await asyncio.sleep(3 * CANCEL_CHECK_S)

    assert len(held.trips) == before


@pytest.mark.parametrize("overtakes", [True, False])
async def test_last_events_count_once_though_some_were_on_their_way(
    held: Held, relay: Relay, overtakes: bool
) -> None:
    (out,) = opened(relay)
    out.put(EventKind.STARTED, engine="gpu0")
    out.piece("one ")
    await turns(held, 1)
    out.piece("two ")
    out.put(EventKind.DONE, state="answered", reason=None)

    last = relay.leave(out)
    if overtakes:
        await AsyncBroker.run_many(held, last)
        held.go.set()
        await relay.flush()
    else:
        held.go.set()
        await relay.flush()
        await AsyncBroker.run_many(held, last)

    assert await stream(held, out) == ["started", "one ", "two ", "done"]
    assert relay.leave(out) == []
    assert not out.closed


async def test_words_wait_for_a_broker_that_is_away(held: Held, relay: Relay) -> None:
    held.down = 3
    held.go.set()
    (out,) = opened(relay)
    out.piece("one ")
    await turns(held, 2)
    out.piece("two ")
    await turns(held, 4)
    await relay.flush()

    assert await stream(held, out) == ["one ", "two "]


async def test_a_newer_attempt_at_the_same_hint_is_not_stopped_for_the_older_one(
    held: Held, relay: Relay
) -> None:
    held.go.set()
    (old,) = opened(relay)
    old.piece("old ")
    await relay.flush()
    new = relay.open(old.hint, 2, "owner", lambda: None)
    new.piece("new ")
    await relay.flush()

    old.piece("zombie ")
    relay.leave(old)
    await relay.flush()

    assert await stream(held, new) == ["old ", "new "]
    assert not new.closed


async def test_who_is_closed_is_told_though_it_has_nothing_to_say(held: Held, relay: Relay) -> None:
    held.go.set()
    told = asyncio.Event()
    out = relay.open(str(uuid4()), 1, "owner", told.set)
    out.piece("one ")
    await relay.flush()

    done = events.done(State.CANCELLED, None)
    await held.run(streams.close(out.hint, 1, done))

    await asyncio.wait_for(told.wait(), 10)
    assert out.closed
