"""What a server says when it refuses or breaks off, whatever the shape of its error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jiter import from_json

READ_CHARS = 2_000
"""Of a server's sentence; what follows says nothing more."""
NESTING = ("error", "message", "detail")
LISTS = ("detail", "errors", "details", "invalid-params", "invalid_params")
PLACES = ("loc", "param", "field", "path", "name")
"""Of an entry; an error itself has a name and a path of another kind."""
PLACE = re.compile(r"[\w-]+")
AROUND = frozenset({"body", "extra_body"})
"""Steps of a place that name no field."""
MAX_ENTRIES = 20
STATUS = re.compile("[45][0-9][0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Complaint:
    """text: in the server's words; names: of parameters that it points at; code: its own, or "".

    status: the HTTP status that an error in the body names, which a gateway may hide behind a 200.
    """

    text: str = ""
    names: tuple[str, ...] = ()
    code: str = ""
    status: int | None = None

    @classmethod
    def read(cls, body: bytes) -> Complaint:
        """The complaint in the first bytes of an error's body."""
        try:
            # Only the beginning of a long body is here: it ends in the middle of a text.
            return cls.of(from_json(body, partial_mode="trailing-strings"))
        except ValueError:
            text = body.decode(errors="replace").strip()
            # A web page, or JSON that cannot be read, has no sentence for people.
            return cls() if text.startswith(("<", "{", "[")) else cls(text[:READ_CHARS])

    @classmethod
    def of(cls, body: object) -> Complaint:
        """The complaint in a parsed body, or in an error frame."""
        error = innermost(body)
        if not isinstance(error, dict):
            return cls(error[:READ_CHARS] if isinstance(error, str) else "")
        entries = next(filter(None, (entries_of(error.get(name)) for name in LISTS)), [])
        texts = [text for entry in entries if (text := sentence_of(entry, place_of(entry)))]
        places = [place_of(error, ("loc", "param")), *(place_of(entry) for entry in entries)]
        code = error.get("code")
        number = int(code) if isinstance(code, str) and STATUS.fullmatch(code) else code
        return cls(
            text=("; ".join(texts) or sentence_of(error, place_of(error, ("loc",))))[:READ_CHARS],
            names=tuple(filter(None, places)),
            code=str(code if isinstance(code, str) and code else error.get("type") or "")[:100],
            status=number if type(number) is int and 400 <= number < 600 else None,
        )


def innermost(body: object) -> object:
    """The innermost error: what stands under `error`, `message` or `detail`, three deep at most.

    Google's servers wrap the whole body in a list, and OpenRouter writes the error of the server
    behind it into its own, as `metadata.raw`.
    """
    if isinstance(body, list) and body:
        body = body[0]
    for _ in range(3):
        if not isinstance(body, dict):
            break
        error, metadata = body.get("error"), body.get("metadata")
        raw = metadata.get("raw") if isinstance(metadata, dict) else None
        if isinstance(raw, str):
            with suppress(ValueError):
                raw = from_json(raw.encode())
        if raw:
            return innermost(raw)
        inner = [error] if isinstance(error, str) and error else []
        inner += [body[name] for name in NESTING if isinstance(body.get(name), dict) and body[name]]
        if not inner:
            break
        body = inner[0]
    return body


def entries_of(found: Any) -> list[dict[str, Any]]:
    """The single errors, MAX_ENTRIES at most, in a list or object such as FastAPI's `detail`."""
    if isinstance(found, dict):
        # Here each field's name leads to a list of sentences about it.
        found = [
            {"field": name, "msg": " ".join(map(str, text))}
            for name, text in found.items()
            if isinstance(text, list)
        ]
    if not isinstance(found, list):
        return []
    entries = ({"msg": entry} if isinstance(entry, str) else entry for entry in found[:MAX_ENTRIES])
    return [entry for entry in entries if isinstance(entry, dict)]


def place_of(entry: dict[str, Any], names: Sequence[str] = PLACES) -> str:
    """Where in the request the error is, with dots: `messages.0.role`."""
    place = next((entry[name] for name in names if entry.get(name)), None)
    if isinstance(place, str):
        place = PLACE.findall(place[:500])
    steps = place[:5] if isinstance(place, list) else []
    known = (str(step)[:100] for step in steps if isinstance(step, str | int))
    return ".".join(step for step in known if step not in AROUND)


def sentence_of(error: dict[str, Any], place: str) -> str:
    """The words alone: what else stands in an error, such as `input`, repeats the request."""
    found = (error.get(name) for name in ("message", "msg", "detail", "error_msg", "title"))
    text = next((text for text in found if isinstance(text, str) and text), "")
    return f"{place}: {text}" if place else text
