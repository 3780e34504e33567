"""What a server says when it refuses or breaks off, whatever the shape of its error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jiter import from_json

READ_CHARS = 2_000
"""Of a server's sentence; what follows says nothing more."""
NESTING = ("error", "message", "detail")
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
        """Of the beginning of an error's body."""
        try:
            # Too long a body is cut in the middle of a text.
            return cls.of(from_json(body, partial_mode="trailing-strings"))
        except ValueError:
            text = body.decode(errors="replace").strip()
            return cls() if text.startswith(("<", "{", "[")) else cls(text[:READ_CHARS])

    @classmethod
    def of(cls, body: object) -> Complaint:
        """Of the parsed body, or of an error frame."""
        error = innermost(body)
        if not isinstance(error, dict):
            return cls(error[:READ_CHARS] if isinstance(error, str) else "")
        entries = entries_of(error.get("detail")) or entries_of(error.get("errors"))
        texts = [text for entry in entries if (text := sentence_of(entry))]
        param = error.get("param")
        names = [param] if isinstance(param, str) and param else []
        names += [place for entry in entries if (place := place_of(entry))]
        code = error.get("code")
        number = int(code) if isinstance(code, str) and STATUS.fullmatch(code) else code
        return cls(
            text=("; ".join(texts) or sentence_of(error))[:READ_CHARS],
            names=tuple(names),
            code=str(code if isinstance(code, str) and code else error.get("type") or "")[:100],
            status=number if type(number) is int and 400 <= number < 600 else None,
        )


def innermost(body: object) -> object:
    """What stands under `error`, `message` or `detail` where that is an object, also in another.

    Google's servers put all of it into a list.
    """
    if isinstance(body, list) and body:
        body = body[0]
    for _ in range(3):
        if not isinstance(body, dict):
            break
        error = body.get("error")
        inner = [error] if isinstance(error, str) and error else []
        inner += [body[name] for name in NESTING if isinstance(body.get(name), dict) and body[name]]
        if not inner:
            break
        body = inner[0]
    return body


def entries_of(found: Any) -> list[dict[str, Any]]:
    """Of FastAPI's `detail`, and of lists of errors like it."""
    if not isinstance(found, list):
        return []
    entries = ({"msg": entry} if isinstance(entry, str) else entry for entry in found[:MAX_ENTRIES])
    return [entry for entry in entries if isinstance(entry, dict)]


def place_of(entry: dict[str, Any]) -> str:
    """Where in the request the error is, with dots: `messages.0.role`."""
    place = entry.get("loc")
    steps = place[:5] if isinstance(place, list) else []
    return ".".join(str(step)[:100] for step in steps if step != "body")


def sentence_of(error: dict[str, Any]) -> str:
    """The words alone: what else stands in an error, such as `input`, repeats the request."""
    found = (error.get(name) for name in ("message", "msg", "detail", "error_msg", "title"))
    text = next((text for text in found if isinstance(text, str) and text), "")
    place = place_of(error)
    return f"{place}: {text}" if place else text
