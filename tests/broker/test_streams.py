"""A hint's stream: ids, fences, the closing event, and what watchers receive."""

from __future__ import annotations

import json

import pytest

from broker import streams
from broker.base.times import STREAM_S
from broker.connect import AsyncBroker, Broker, listener
from broker.contract.events import Event, EventId, EventKind
from broker.embedded import Embedded
from broker.keys import STREAM, TIP
from broker.streams import Append, Tip

PIECE = (EventKind.PIECE, '{"text":"가\\n나"}')
STARTED = (EventKind.STARTED, '{"engine":"gpu0"}')
DONE = (EventKind.DONE, '{"state":"answered","reason":null}')
CANCELLED = '{"state":"cancelled","reason":"cancelled"}'


def ids(broker: Broker, hint: str = "h") -> list[str]:
    return [str(event.id) for event in broker.run(streams.after(hint))]


def test_append_numbers_the_events_and_keeps_their_data(broker: Broker) -> None:
    assert broker.run(streams.append("h", 1, 1, [STARTED, PIECE])) is Append.OK
    assert broker.run(streams.append("h", 1, 3, [PIECE])) is Append.OK

    assert broker.run(streams.after("h", EventId(1, 1))) == [
        Event(EventId(1, 2), *PIECE),
        Event(EventId(1, 3), *PIECE),
    ]


def test_append_again_is_a_duplicate_and_adds_nothing(broker: Broker) -> None:
    call = streams.append("h", 1, 1, [STARTED, PIECE])

    assert broker.run(call) is Append.OK
    assert broker.run(call) is Append.DUPLICATE
    assert ids(broker) == ["1-1", "1-2"]


def test_append_of_a_larger_batch_adds_only_what_is_new(broker: Broker) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED, PIECE]))

    assert broker.run(streams.append("h", 1, 2, [PIECE, DONE])) is Append.OK
    assert ids(broker) == ["1-1", "1-2", "1-3"]


def test_done_closes_the_stream_and_its_retry_is_a_duplicate(broker: Broker) -> None:
    last = streams.append("h", 1, 1, [PIECE, DONE])
    assert broker.run(last) is Append.OK

    assert broker.run(streams.append("h", 1, 3, [PIECE])) is Append.CLOSED
    assert broker.run(streams.append("h", 2, 1, [STARTED])) is Append.CLOSED
    assert broker.run(last) is Append.DUPLICATE
    assert ids(broker) == ["1-1", "1-2"]


def test_a_cancel_that_took_the_next_id_closes_rather_than_duplicates(broker: Broker) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED]))
    broker.run(streams.close("h", 1, CANCELLED))

    assert broker.run(streams.append("h", 1, 2, [PIECE])) is Append.CLOSED
    assert broker.run(streams.append("h", 1, 2, [PIECE, PIECE])) is Append.CLOSED


def test_an_older_attempt_cannot_write(broker: Broker) -> None:
    broker.run(streams.append("h", 2, 1, [STARTED]))

    assert broker.run(streams.append("h", 1, 1, [PIECE])) is Append.CLOSED
    assert broker.run(streams.append("h", 1, 7, [PIECE])) is Append.CLOSED
    assert ids(broker) == ["2-1"]


def test_a_newer_attempt_starts_at_one(broker: Broker) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED, PIECE, PIECE]))

    assert broker.run(streams.append("h", 2, 1, [STARTED])) is Append.OK
    assert ids(broker)[-1] == "2-1"


@pytest.mark.parametrize(
    ("attempt", "expected"), [(0, "1-3"), (1, "1-3"), (2, "2-1")], ids=["older", "same", "newer"]
)
def test_close_takes_the_next_free_id(broker: Broker, attempt: int, expected: str) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED, PIECE]))

    assert broker.run(streams.close("h", attempt, CANCELLED))
    assert ids(broker)[-1] == expected


def test_close_before_any_event_and_only_once(broker: Broker) -> None:
    assert broker.run(streams.close("h", 0, CANCELLED))
    assert not broker.run(streams.close("h", 5, CANCELLED))

    assert ids(broker) == ["0-1"]


def test_closed_names_the_attempts_that_may_not_write(broker: Broker) -> None:
    broker.run(streams.append("over", 1, 1, [DONE]))
    broker.run(streams.append("newer", 2, 1, [STARTED]))
    broker.run(streams.append("runs", 1, 1, [STARTED]))

    asked = [("over", 1), ("newer", 1), ("runs", 1), ("silent", 1)]
    assert broker.run(streams.closed(asked)) == {"over", "newer"}
    assert broker.run(streams.closed([("newer", 2)])) == set()


def test_tip_follows_the_newest_event(broker: Broker) -> None:
    assert broker.run(streams.tip("h")) is None
    broker.run(streams.append("h", 0, 1, [(EventKind.QUEUED, "{}")], owner="7"))
    assert broker.run(streams.tip("h")) == Tip("queued", EventId(0, 1), False, "7")
    broker.run(streams.append("h", 1, 1, [STARTED, PIECE]))
    assert broker.run(streams.tip("h")) == Tip("running", EventId(1, 2), False, "7")
    broker.run(streams.close("h", 1, CANCELLED))
    assert broker.run(streams.tip("h")) == Tip("cancelled", EventId(1, 3), True, "7")


def test_stream_and_tip_live_for_their_time(broker: Broker) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED]))

    for key in (STREAM("h"), TIP("h")):
        assert 0 < broker.client.ttl(key) <= STREAM_S


async def test_listeners_receive_each_event_once_and_in_order(
    valkey: Embedded, async_broker: AsyncBroker
) -> None:
    async with listener(valkey.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(streams.channel("h"))
        assert (await anext(pubsub.listen()))["type"] == "subscribe"

        await async_broker.run(streams.append("h", 1, 1, [STARTED, PIECE]))
        await async_broker.run(streams.append("h", 1, 1, [STARTED, PIECE]))
        await async_broker.run(streams.close("h", 1, CANCELLED))

        messages = [await anext(pubsub.listen()) for _ in range(3)]
    assert {message["channel"].decode() for message in messages} == {streams.channel("h")}
    assert [streams.parse_published(message["data"]) for message in messages] == [
        Event(EventId(1, 1), *STARTED),
        Event(EventId(1, 2), *PIECE),
        Event(EventId(1, 3), EventKind.DONE, CANCELLED),
    ]
    assert json.loads(streams.parse_published(messages[1]["data"]).data) == {"text": "가\n나"}


def test_a_message_may_come_as_text_or_bytes() -> None:
    event = Event(EventId(1, 2), EventKind.PIECE, "{}")

    assert streams.parse_published("1-2\npiece\n{}") == event
    assert streams.parse_published(b"1-2\npiece\n{}") == event


def test_after_a_wipe_the_attempt_goes_on_writing(broker: Broker) -> None:
    broker.run(streams.append("h", 1, 1, [STARTED]))
    broker.client.flushall()

    assert broker.run(streams.append("h", 1, 2, [PIECE])) is Append.OK
    assert ids(broker) == ["1-2"]
