"""What a program is tested by, as the sandbox is given it; and the limits that hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeGuard

from web.runner.asserts import assert_texts
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
    number fits within either. ignores_case: capital and small letters are the same.
    """

    cases: tuple[IoCase, ...]
    checker: str = "tokens"
    absolute: float = 0.0
    relative: float = 0.0
    ignores_case: bool = False


Tests: TypeAlias = Asserts | Io


def parts(tests: Tests) -> list[Tests]:
    """What is run in memory of its own each: a program that has read a hidden case could tell of it
    under the name of one that may be seen."""
    if isinstance(tests, Asserts):
        return [tests]
    groups = [tuple(case for case in tests.cases if case.visible is seen) for seen in (True, False)]
    return [replace(tests, cases=group) for group in groups if group]


def is_hidden(tests: Tests) -> TypeGuard[Io]:
    """Whether this part of an exercise's tests may be told to nobody."""
    return not isinstance(tests, Asserts) and not any(case.visible for case in tests.cases)


def without_input(tests: Io) -> Io:
    """One case that tells a program nothing: what happens even so depends on no input."""
    return replace(tests, cases=(IoCase(stdin="", expected=""),))


def runnable(tests: Tests) -> bool:
    """Whether there is a case in them, as far as can be told without running them."""
    return (
        bool(assert_texts(tests.source).cases) if isinstance(tests, Asserts) else bool(tests.cases)
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

    explain: look for facts, and do not judge; ends, budget_s, reference: for that alone.
    """
    asked = {
        "code": code, "lengths": LENGTHS, "explain": explain, "ends": ends,
        "budget_s": budget_s, "reference": reference,
    }  # fmt: skip
    return json.dumps(asked | _tests(tests)).encode()


def _tests(tests: Tests) -> dict[str, object]:
    if isinstance(tests, Asserts):
        source, texts = assert_texts(tests.source)
        return {"kind": "asserts", "tests": source, "texts": texts}
    return {
        "kind": "io",
        "cases": [
            {"stdin": case.stdin, "expected": case.expected, "visible": case.visible}
            for case in tests.cases
        ],
        "checker": tests.checker,
        "tolerance": {"absolute": tests.absolute, "relative": tests.relative},
        "ignores_case": tests.ignores_case,
    }
