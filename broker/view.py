"""A hint in flight as its reader sees it, asked for at once: its position and the words so far."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from broker.scripts import Call


class View(NamedTuple):
    """mark: `<state>-<attempt>-<seq>-<queue_position>`, another one whenever more can be seen.

    owner: the student's id; empty if Redis knows nothing of the hint. over: the row says how.
    queue_position, eta_s: as in Placement; None for a hint that the dispatcher does not know. text:
    what watchers have been shown of the attempt; empty for a reader who has it.
    """

    mark: str
    owner: str
    over: bool
    queue_position: int | None
    eta_s: int | None
    text: str


def view(hint: str, seen: str = "") -> Call[View]:
    """seen: mark of what the reader has."""
    return Call("view", (hint, seen), parse)


def parse(reply: list[Any]) -> View:
    mark, owner, over, queue_position, eta_s, pieces = reply
    text = "".join(json.loads(data)["text"] for data in pieces)
    return View(mark, owner, bool(over), queue_position, eta_s, text)
