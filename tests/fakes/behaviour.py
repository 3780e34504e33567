"""What the fake engine is told to do with one request."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class Then(StrEnum):
    """How a scripted answer goes on after its pieces."""

    STOP = "stop"
    """finish_reason stop, usage if asked for, [DONE]."""
    LENGTH = "length"
    """As stop, with finish_reason length."""
    CUT = "cut"
    """The connection is closed in the middle of the body."""
    EOF = "eof"
    """A clean end of the body, without a finish reason."""
    ERROR_FRAME = "error_frame"
    """vLLM's frame for a dead engine, then [DONE]."""
    GARBAGE = "garbage"
    """A frame that is no JSON, then as stop."""
    HANG = "hang"
    """Nothing, until the client leaves."""
    COMMENTS = "comments"
    """Keep-alive comments only, until the client leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One answer. when: text the request body must contain; delay_s: silence after the headers."""

    pieces: tuple[str, ...] = ("Look ", "at ", "your ", "loop. ", "Where ", "does ", "it ", "end?")
    gap_s: float = 0.02
    delay_s: float = 0.0
    then: Then = Then.STOP
    status: int = 200
    when: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Behaviour:
        """Raises: ValueError for an unknown field or ending."""
        unknown = set(data) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}")
        given = {**data, "then": Then(data.get("then", Then.STOP))}
        if "pieces" in given:
            given["pieces"] = tuple(given["pieces"])
        return cls(**given)
