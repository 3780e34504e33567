"""What watchers have in the end is the hint, whatever earlier attempts have shown them."""

from __future__ import annotations

import json

import pytest

from broker.contract.events import Event, EventId, EventKind, shown
from tests.workers.kit import to_be_sent
from workers.attempt.relay import Outgoing
from workers.attempt.screen import Screen


@pytest.fixture
def outgoing() -> Outgoing:
    return Outgoing("hint", 2, "student", lambda: None)


def told(outgoing: Outgoing) -> list[tuple[EventKind, str]]:
    return [(each.kind, json.loads(each.data).get("text", "")) for each in to_be_sent(outgoing)]


def test_what_is_there_is_not_shown_again(outgoing: Outgoing) -> None:
    screen = Screen(outgoing)
    screen.keep("Look at it. Then")

    for text in ("Look", " at it.", " Then ask."):
        screen.show(text)
    screen.end()

    assert told(outgoing) == [(EventKind.PIECE, " ask.")]


def test_a_text_that_goes_another_way_is_shown_from_the_start(outgoing: Outgoing) -> None:
    screen = Screen(outgoing)
    screen.keep("Look at it.")

    screen.show("Look ")
    screen.show("there.")
    screen.end()

    assert told(outgoing) == [(EventKind.RESET, ""), (EventKind.PIECE, "Look there.")]


def test_a_text_that_ends_earlier_takes_the_rest_back(outgoing: Outgoing) -> None:
    screen = Screen(outgoing)
    screen.keep("Look at it. And there.")

    screen.show("Look at it.")
    screen.end()

    assert told(outgoing) == [(EventKind.RESET, ""), (EventKind.PIECE, "Look at it.")]


def test_after_clearing_everything_is_new(outgoing: Outgoing) -> None:
    screen = Screen(outgoing)
    screen.show("Look.")
    screen.clear("leak")
    screen.show("Look.")
    screen.end()

    assert [kind for kind, _ in told(outgoing)] == [
        EventKind.PIECE,
        EventKind.RESET,
        EventKind.PIECE,
    ]


def test_the_log_tells_what_is_shown() -> None:
    log = [
        Event(EventId(1, 1), EventKind.STARTED, "{}"),
        Event(EventId(1, 2), EventKind.PIECE, '{"text": "Look "}'),
        Event(EventId(1, 3), EventKind.QUEUED, "{}"),
        Event(EventId(2, 1), EventKind.STARTED, "{}"),
        Event(EventId(2, 2), EventKind.PIECE, '{"text": "there."}'),
    ]
    reset = Event(EventId(3, 1), EventKind.RESET, "{}")

    assert shown(log) == "Look there."
    assert shown([*log, reset]) == ""
    assert shown([reset, Event(EventId(3, 2), EventKind.PIECE, '{"text": "A"}')]) == "A"


@pytest.mark.parametrize(
    "log",
    [
        [],
        # Redis was wiped: the log begins with what rescue wrote, or in the middle.
        [Event(EventId(1, 1), EventKind.QUEUED, "{}")],
        [Event(EventId(1, 6), EventKind.PIECE, '{"text": "there."}')],
        # It was restarted without its last moment, and the attempt went on.
        [
            Event(EventId(1, 1), EventKind.STARTED, "{}"),
            Event(EventId(1, 4), EventKind.PIECE, '{"text": "there."}'),
        ],
        [
            Event(EventId(1, 1), EventKind.STARTED, "{}"),
            Event(EventId(2, 2), EventKind.PIECE, '{"text": "there."}'),
        ],
    ],
    ids=["no log", "begun again", "no beginning", "a hole", "a hole between attempts"],
)
def test_of_a_log_with_a_hole_nobody_knows_what_was_shown(log: list[Event]) -> None:
    assert shown(log) is None
