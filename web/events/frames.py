"""The bytes of an event stream, and the ids a client hands back to resume it."""

from __future__ import annotations

import json
import random
import re
from uuid import UUID

from broker.contract.events import EventId

RETRY_MS = 2000
JITTER_MS = 2000
HEARTBEAT = b": hb\n\n"
# Nine digits at most: these numbers come from the client.
ID = re.compile(r"([^:,]+):([0-9]{1,9})-([0-9]{1,9})")


def opening() -> bytes:
    """The first bytes flush the headers; the jitter keeps a crowd from coming back in step."""
    return b"retry: %d\n: ok\n\n" % (RETRY_MS + random.randrange(JITTER_MS))  # noqa: S311


def numbered(ids: str, kind: str, hint: str, data: str) -> bytes:
    """A frame to resume after. ids: where every hint of the stream stands once it is read."""
    return f"id: {ids}\nevent: {kind}\ndata: {with_hint(hint, data)}\n\n".encode()


def unnumbered(kind: str, hint: str, data: str) -> bytes:
    """A frame that a resumed stream does not repeat."""
    return f"event: {kind}\ndata: {with_hint(hint, data)}\n\n".encode()


def with_hint(hint: str, data: str) -> str:
    """The JSON object with the member "hint" in front, without parsing it. data: one line."""
    rest = data[1:].lstrip()
    return f'{{"hint":"{hint}"{"" if rest.startswith("}") else ","}{rest}'


def compact(**members: object) -> str:
    """One line of JSON."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def hint_id(text: str) -> str:
    """The id as the database writes it. Raises: ValueError for another spelling than 8-4-4-4-12."""
    hint = str(UUID(text))
    # UUID() also takes braces, `urn:uuid:` and digits without dashes.
    if hint != text.lower():
        raise ValueError(f"not a hint id: {text!r}")
    return hint


def member(hint: str, last: EventId) -> str:
    """`<hint>:<attempt>-<seq>`, one member of an id."""
    return f"{hint}:{last}"


def parse_ids(text: str) -> dict[str, EventId]:
    """What `numbered` wrote, joined by commas. Raises: ValueError for anything else."""
    last: dict[str, EventId] = {}
    for part in filter(None, text.split(",")):
        match = ID.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"not an event id: {part!r}")
        last[hint_id(match[1])] = EventId(int(match[2]), int(match[3]))
    return last
