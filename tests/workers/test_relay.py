"""No word is lost or doubled on its way to the stream, whenever it is written or sent again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import Kind
from broker.streams import Append
from workers.attempt.relay import Outgoing

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
        pieces = [json.loads(data)["text"] for kind, data in self.events if kind == Kind.PIECE]
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
