"""What running a student's code against an exercise's tests showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How the run ended, told by its first failing case."""

    PASSED = "passed"
    """Every case holds."""
    FAILED = "failed"
    """A case gave another value than expected."""
    SYNTAX = "syntax"
    """The code is not Python."""
    ERROR = "error"
    """An exception stopped the code."""
    TIMEOUT = "timeout"
    """The code ran past the time limit."""
    MEMORY = "memory"
    """The code asked for more memory than it may have."""
    CRASHED = "crashed"
    """The sandbox process died under the code."""
    SKIPPED = "skipped"
    """Nothing can be said: another language, no tests, or a feature the sandbox lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failing check as a student reads it; got is None when an error or a limit came first."""

    call: str
    expected: str
    got: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What stopped the code. line: 1-based, in the student's code; None when it is not there."""

    kind: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Result of one check. output: what the code printed, cut at 2,000 characters."""

    verdict: Verdict
    passed: int = 0
    total: int = 0
    first: Case | None = None
    error: Failure | None = None
    output: str = ""

    def as_json(self) -> dict[str, Any]:
        """Keys verdict, passed, total, first, error, output; only JSON types."""
        return asdict(self) | {"verdict": self.verdict.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read back what as_json wrote."""
        first, error = data["first"], data["error"]
        return cls(
            verdict=Verdict(data["verdict"]),
            passed=data["passed"],
            total=data["total"],
            first=Case(**first) if first else None,
            error=Failure(**error) if error else None,
            output=data["output"],
        )
