"""SseReader cuts any split of a byte stream into the same events."""

from __future__ import annotations

from itertools import product

import pytest

from web.engines.client.sse import MAX_EVENT_BYTES, SseReader

STREAM = (
    ": keep-alive\n\n"
    'data: {"text": "반복문"}\r\n\r\n'
    "event: message\nid: 7\ndata:no space\n\n"
    "data: two\ndata: lines\n\n"
    ": comment in an event\ndata: after it\n\n"
    "data: [DONE]\n\n"
    "data: never ended"
).encode()
EVENTS = ['{"text": "반복문"}', "no space", "two\nlines", "after it", "[DONE]"]


def read(parts: list[bytes]) -> list[str]:
    reader = SseReader()
    return [event.decode() for part in parts for event in reader.feed(part)]


def test_events_are_the_same_wherever_the_stream_is_cut_in_two() -> None:
    for cut in range(len(STREAM)):
        assert read([STREAM[:cut], STREAM[cut:]]) == EVENTS


def test_events_are_the_same_byte_by_byte() -> None:
    assert read([bytes([byte]) for byte in STREAM]) == EVENTS


PIECES = (
    "data: a\n", "data: b\n\n", "data: \n\n", "data:c\n\n", "data:  d\n\n", "\n", ": e\n",
    "event: error\n", "data: f\r\n\n", "\r", "data: g", "{",
)  # fmt: skip


def test_parts_of_several_events_give_what_their_bytes_give() -> None:
    for pieces in product(PIECES, repeat=4):
        parts = [piece.encode() for piece in pieces]
        whole = b"".join(parts)
        events = read([bytes([byte]) for byte in whole])

        assert read([whole]) == read(parts) == events, whole


@pytest.mark.parametrize("endless", [b"x", b"data: " + b"x" * 62 + b"\n"])
def test_an_endless_event_is_refused(endless: bytes) -> None:
    part = endless * (MAX_EVENT_BYTES // 16 // len(endless))

    with pytest.raises(ValueError, match="longer than"):
        read([part] * 40)
