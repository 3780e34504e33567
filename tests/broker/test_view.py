"""What one question tells of a hint in flight."""

from __future__ import annotations

import pytest

from broker import dispatch, streams
from broker.connect import Broker
from broker.contract.events import EventKind
from broker.streams import Append
from broker.view import View, view
from tests.broker.helpers import admit, claimed, serve

STARTED = (EventKind.STARTED, '{"engine": "gpu0"}')
RESET = (EventKind.RESET, '{"reason": "leak"}')
DONE = (EventKind.DONE, '{"state": "answered", "reason": null}')


def piece(text: str) -> tuple[EventKind, str]:
    return EventKind.PIECE, f'{{"text": "{text}"}}'


def write(broker: Broker, *events: tuple[EventKind, str]) -> None:
    assert broker.run(streams.append("h", 1, 1, events, "7")) is Append.OK


def test_nothing_is_known_of_an_unknown_hint(broker: Broker) -> None:
    assert broker.run(view("h")) == View("queued-0-0-", "", False, None, None, "")


def test_a_waiting_hint_has_a_place_and_its_students_name(broker: Broker) -> None:
    admit(broker, "first", since_ms=1)
    admit(broker, "h", since_ms=2, student="7")

    assert broker.run(view("h")) == View("queued-0-0-2", "7", False, 2, None, "")


def test_a_granted_hint_has_place_0(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h", student="7")

    assert broker.run(view("h")) == View("queued-0-0-0", "7", False, 0, None, "")


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([STARTED], ""),
        ([STARTED, piece("a "), piece("b")], "a b"),
        ([STARTED, piece("a "), RESET], ""),
        ([STARTED, piece("a "), RESET, piece("b "), RESET, piece("가 "), piece("d")], "가 d"),
    ],
)
def test_the_words_are_those_since_the_last_reset(
    broker: Broker, events: list[tuple[EventKind, str]], text: str
) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "h")
    write(broker, *events)

    seen = broker.run(view("h"))

    assert seen == View(f"running-1-{len(events)}-0", "7", False, 0, None, text)
    assert broker.run(view("h", seen.mark)) == seen._replace(text=""), "the reader has them"
    assert broker.run(view("h", f"running-1-{len(events)}-1")) == seen


def test_the_end_is_told(broker: Broker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "h")
    write(broker, STARTED, piece("a"), DONE)
    broker.run(dispatch.settle("h", "gpu0", 1, None))

    assert broker.run(view("h")) == View("answered-1-3-", "7", True, None, None, "a")


def test_the_line_moves_the_mark_and_tells_the_time(broker: Broker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "timed")
    broker.run(dispatch.settle("timed", "gpu0", 1, 7.0))
    admit(broker, "busy")
    for n, hint in enumerate(["first", "h"], start=1):
        admit(broker, hint, since_ms=n, student=hint)

    before = broker.run(view("h"))
    broker.run(dispatch.cancel("first", 0, "first"))
    after = broker.run(view("h", before.mark))

    assert (before.mark, before.eta_s) == ("queued-0-0-2", 14)
    assert (after.mark, after.eta_s) == ("queued-0-0-1", 7)
