"""What a program is tested by, as the sandbox is given it; and the limits that hold."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from web.tutor.evidence.report import LENGTHS
from web.tutor.languages import Words

TIME_S = 1.0
MEMORY_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Of all cases of one run together.

    time_s: seconds of CPU; memory_bytes: with what Python itself needs, about 40 MB.
    """

    time_s: float = TIME_S
    memory_bytes: int = MEMORY_BYTES


@dataclass(frozen=True, slots=True)
class Asserts:
    """Tests as Python asserts, bare or as `def check(candidate)` with `check(f)`."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IoCase:
    """Standard input, and what a program should print for it. note: its author's, by language.

    Of a case that is not visible a student learns only that it failed, and the note.
    """

    stdin: str
    expected: str
    name: str = ""
    visible: bool = True
    note: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Io:
    """Tests of programs that read and print.

    checker: exact, tokens (white space does not count) or float; the last one's tolerances: a
    number fits within either.
    """

    cases: tuple[IoCase, ...]
    checker: str = "tokens"
    absolute: float = 0.0
    relative: float = 0.0


Tests: TypeAlias = Asserts | Io


def runnable(tests: Tests) -> bool:
    """Whether there is a case in them, as far as can be told without running them."""
    return bool(asserts_in(tests.source)) if isinstance(tests, Asserts) else bool(tests.cases)


@lru_cache(maxsize=256)
def asserts_in(source: str) -> int:
    """Asserts that check something; 0 also for what is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(
        isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        for node in ast.walk(tree)
    )


def job(
    code: str,
    tests: Tests,
    *,
    explain: bool = False,
    ends: bool = True,
    budget_s: float = 0.0,
    reference: str | None = None,
) -> bytes:
    """JSON for the guest.

    explain: look for facts; ends, budget_s, reference: for that alone.
    """
    asked = {
        "code": code, "lengths": LENGTHS, "explain": explain, "ends": ends,
        "budget_s": budget_s, "reference": reference,
    }  # fmt: skip
    return json.dumps(asked | _tests(tests)).encode()


def _tests(tests: Tests) -> dict[str, object]:
    if isinstance(tests, Asserts):
        return {"kind": "asserts", "tests": tests.source}
    return {
        "kind": "io",
        "cases": [
            {"stdin": case.stdin, "expected": case.expected, "visible": case.visible}
            for case in tests.cases
        ],
        "checker": tests.checker,
        "tolerance": {"absolute": tests.absolute, "relative": tests.relative},
    }
