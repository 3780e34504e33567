"""What a fake vLLM is told to do wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class Wrong(StrEnum):
    """The first five strike the next requests that fit, the others the whole server at once."""

    HANG = "hang"
    """The stream goes silent; the engine counts it as running."""
    CUT = "cut"
    """The connection is closed in the middle of the body."""
    EOF = "eof"
    """A clean end of the body, without a finish reason."""
    ERROR_FRAME = "error_frame"
    """The frame of a dead engine, then [DONE]; the engine itself goes on."""
    STATUS = "status"
    """An answer of this HTTP status instead of a stream."""
    FREEZE = "freeze"
    """No step is made any more: streams are silent, /health says 200; seconds: for so long."""
    CRASH = "crash"
    """The process is gone at once."""
    DEAD = "dead"
    """The engine died under the server: error frames, /health 503, and the server exits."""
    SLOW_HEALTH = "slow_health"
    """/health takes so many seconds."""
    HIDE = "hide"
    """The metric called `series` is missing, as after a rename."""
    HEAL = "heal"
    """Everything above is over, except what cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """after_tokens: what comes before it; when: text that the request's body must contain."""

    wrong: Wrong
    after_tokens: int = 3
    times: int = 1
    when: str = ""
    status: int = 500
    seconds: float = 0.0
    series: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Fault:
        """Raises: ValueError for an unknown field or kind."""
        unknown = set(data) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}")
        return cls(**{**data, "wrong": Wrong(data["wrong"])})


class Armed:
    """Faults that wait for their requests."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        self._left.clear()

    def next(self, body: str) -> Fault | None:
        for index, (fault, left) in enumerate(self._left):
            if fault.when in body:
                self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None
