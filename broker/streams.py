"""A hint's event stream: append, close, ask, and the forms in which entries travel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from broker.base.times import STREAM_S
from broker.contract.events import START, Event, EventId, EventKind
from broker.contract.hint import State
from broker.keys import STREAM
from broker.scripts import Call, each, keys_of, nothing

STATUS = {EventKind.STARTED: State.RUNNING, EventKind.QUEUED: State.QUEUED}


class Append(StrEnum):
    """What became of a write."""

    OK = "ok"
    """The events are in the stream and were published."""
    DUPLICATE = "duplicate"
    """They were there already: an earlier try arrived although its reply did not."""
    CLOSED = "closed"
    """Refused: the hint is over, or a newer attempt owns it. Stop generating."""


class Tip(NamedTuple):
    """A stream's newest event. status: state that watchers were told; owner: as given."""

    status: str
    id: EventId
    closed: bool
    owner: str


def channel(hint: str) -> str:
    """Name of the stream's key, and of its pub/sub channel."""
    return STREAM(hint)


def append(
    hint: str,
    attempt: int,
    first_seq: int,
    events: Sequence[tuple[EventKind, str]],
    owner: str = "",
) -> Call[Append]:
    """Writes events as `<attempt>-<first_seq>`, +1, …; data is JSON text; DONE closes the stream.

    owner: whose hint it is, kept in the tip; empty leaves it as it is.
    """
    flat = [part for kind, data in events for part in (kind.value, data)]
    return Call(
        "append", (hint, attempt, first_seq, STREAM_S, owner, status(events), *flat), Append
    )


def close(hint: str, attempt: int, data: str) -> Call[bool]:
    """Appends DONE after whatever is there; False if it was closed already.

    data: JSON text of the DONE event.
    """
    final = status([(EventKind.DONE, data)])
    return Call("close", (hint, attempt, STREAM_S, final, data), bool)


def erase(hint: str) -> Call[None]:
    """Nothing that its watchers were told is left; what keeps late writes out stays its hour."""
    return Call("erase", (hint,), nothing)


def closed(attempts: Iterable[tuple[str, int]]) -> Call[set[str]]:
    """Those of the given (hint, attempt) that may not write any more: the cancel signal."""
    return each("closed", attempts, keys_of)


def tip(hint: str) -> Call[Tip | None]:
    """None: nothing was written in the last hour, or Redis was wiped."""
    return Call("tip", (hint,), parse_tip)


def after(hint: str, last: EventId = START) -> Call[list[Event]]:
    """The events that follow an id, oldest first."""
    return Call("after", (hint, str(last)), lambda reply: [parse_entry(*entry) for entry in reply])


def parse_entry(id: str, fields: Sequence[str]) -> Event:
    """An entry as a script returns it. fields: 'kind', its word, 'data', its JSON text."""
    return Event(EventId.parse(id), EventKind(fields[1]), fields[3])


def parse_published(payload: str | bytes) -> Event:
    """What was published on the channel: `<id>\\n<kind>\\n<data>`."""
    text = payload if isinstance(payload, str) else payload.decode()
    id, kind, data = text.split("\n", 2)
    return Event(EventId.parse(id), EventKind(kind), data)


def parse_tip(reply: list[Any]) -> Tip | None:
    status, attempt, seq, closed, owner = reply
    if attempt is None:
        return None
    return Tip(status or "", EventId(int(attempt), int(seq)), closed is not None, owner or "")


def status(events: Sequence[tuple[EventKind, str]]) -> str:
    """State that these events tell a watcher; empty if they tell none."""
    # The last one counts; pieces and resets tell none.
    for kind, data in reversed(events):
        if kind is EventKind.DONE:
            return str(json.loads(data)["state"])
        if kind in STATUS:
            return STATUS[kind].value
    return ""
