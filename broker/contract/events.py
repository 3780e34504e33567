"""What a watcher of a hint sees, and the ids that order it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from broker.contract.hint import Reason, State


class EventKind(StrEnum):
    """The events of a hint's stream; the SSE `event:` field carries the same words."""

    STARTED = "started"
    """An attempt began. data: {"engine": name}"""
    PIECE = "piece"
    """Safe text to append. data: {"text": str}"""
    RESET = "reset"
    """Forget the text shown so far: it starts anew. data: {"reason": str}"""
    QUEUED = "queued"
    """Back in the backlog. data: {} (the events app sends positions, without an id)"""
    DONE = "done"
    """The final row can be read now; nothing follows. data: {"state": str, "reason": str?}"""


class EventId(NamedTuple):
    """`<attempt>-<seq>`: gap-free in an attempt from seq 1; attempt 0: before any claim."""

    attempt: int
    seq: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> EventId:
        """Raises: ValueError for anything but two non-negative integers joined by '-'."""
        attempt, dash, seq = text.partition("-")
        if not (dash and attempt.isdecimal() and seq.isdecimal()):
            raise ValueError(f"not an event id: {text!r}")
        return cls(int(attempt), int(seq))


START = EventId(0, 0)
FIRST = EventId(1, 1)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a hint's stream. data: JSON text, as stored: relaying it costs no parsing."""

    id: EventId
    kind: EventKind
    data: str


def shown(events: Iterable[Event]) -> str | None:
    """The text before a watcher who has read these events; None if a part of it is missing.

    It is complete from the start of the first attempt, or from a RESET. The log of a Redis that was
    wiped has neither.
    """
    text: str | None = None
    last = START
    for event in events:
        # The ids of an attempt are gap-free: a jump means that Redis dropped the events between.
        follows = event.id.seq == (last.seq + 1 if event.id.attempt == last.attempt else 1)
        # Only the first attempt starts on an empty screen: later ones may go on from what is shown.
        if event.kind is EventKind.RESET or (event.kind is EventKind.STARTED and event.id == FIRST):
            text = ""
        elif text is not None:
            text = text + piece_of(event) if follows else None
        last = event.id
    return text


def piece_of(event: Event) -> str:
    """The text that the event adds; empty if it is no piece."""
    return str(json.loads(event.data)["text"]) if event.kind is EventKind.PIECE else ""


def done_data(state: State, reason: Reason | None) -> dict[str, str | None]:
    """{"state", "reason"}; a reason of None: the hint was plainly answered."""
    return {"state": state, "reason": reason}


def done(state: State, reason: Reason | None) -> str:
    """The data of a DONE event, as JSON text."""
    return json.dumps(done_data(state, reason))
