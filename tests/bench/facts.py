"""Whether facts of a wrong program name the lines that its fix changes, in the sandbox itself.

The table of scores was fitted on these same programs; a line at random stands beside.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from tests.bench.table import Row, pair
from web.runner.cases import Asserts
from web.runner.checker import Checker
from web.tutor.evidence.report import Verdict

ROOT = Path(__file__).parents[2]
BUGS = ROOT / "tests" / "data" / "buggy_python.jsonl"
SEED = ROOT / "web" / "courses" / "seed"


class Wrong(NamedTuple):
    """A wrong program, its exercise's tests, and a right one."""

    code: str
    tests: str
    fix: str


class Hits(NamedTuple):
    """Of one program: whether it has facts; whether the first, one of the first three, and what
    share of all its lines, are lines of the fix; and how long it took to run and be looked at."""

    found: bool
    first: bool
    three: bool
    random: float
    took_ms: float


def bugs() -> list[Wrong]:
    records = map(json.loads, BUGS.read_text().splitlines())
    return [
        Wrong(each["buggy_code"].strip("\n"), "\n".join(each["tests"]), each["bug_fix"].strip("\n"))
        for each in records
    ]


def seed() -> Iterator[Wrong]:
    for path in sorted(SEED.glob("[0-9]*.toml")):
        exercise = tomllib.loads(path.read_text())
        if tests := exercise.get("tests"):
            for wrong in exercise.get("wrong", []):
                yield Wrong(wrong["code"].strip("\n"), tests, exercise["reference"].strip("\n"))


def changed(code: str, fix: str) -> set[int]:
    """Lines of the code, from 1, that its fix replaces or leaves out, or beside which it adds."""
    before, after = ([line.rstrip() for line in text.split("\n")] for text in (code, fix))
    found: set[int] = set()
    for sort, first, last, _, _ in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if sort == "insert":
            found |= {line for line in (first, first + 1) if 1 <= line <= len(before)}
        elif sort != "equal":
            found |= set(range(first + 1, last + 1))
    return found


def hits(checker: Checker, wrong: Wrong, *, beside: bool) -> Hits:
    """beside: with the fix for a reference."""
    began_s = perf_counter()
    tests, reference = Asserts(wrong.tests), wrong.fix if beside else None
    report = checker.check(wrong.code, tests)
    report = checker.explain(report, wrong.code, tests, reference=reference)
    took_ms = 1000 * (perf_counter() - began_s)
    assert report.verdict not in (Verdict.PASSED, Verdict.NOT_RUN)
    fix = changed(wrong.code, wrong.fix)
    lines = [fact.line for fact in report.facts[:3]]
    written = [
        number for number, line in enumerate(wrong.code.split("\n"), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]  # fmt: skip
    share = len(fix & set(written)) / len(written)
    return Hits(bool(lines), bool(fix & set(lines[:1])), bool(fix & set(lines)), share, took_ms)


def rows() -> list[Row]:
    checker = Checker(processes=1)
    try:
        return [
            *told(checker, f"{len(bugs())} bugs", bugs(), ("≥ 98", "≥ 50", "≥ 72"), beside=False),
            *told(checker, "the same, beside the fix", bugs(), ("", "≥ 70", "≥ 85"), beside=True),
            *told(checker, "wrong programs of the seed", list(seed()), ("", "", ""), beside=False),
        ]
    finally:
        checker.close()


def told(
    checker: Checker,
    name: str,
    programs: list[Wrong],
    wanted: tuple[str, str, str],
    *,
    beside: bool,
) -> list[Row]:
    hits(checker, programs[0], beside=beside)
    found = [hits(checker, wrong, beside=beside) for wrong in programs]
    random = f"{share([each.random for each in found])} (a line at random)"
    return [
        (f"{name}: with facts, %", share([each.found for each in found]), "–", wanted[0]),
        (f"{name}: the first fact names a line of the fix, %",
         share([each.first for each in found]), random, wanted[1]),
        (f"{name}: one of the first three does, %",
         share([each.three for each in found]), "–", wanted[2]),
        (f"{name}: run and looked at, ms, p50 / p99",
         pair([each.took_ms for each in found]), "–", ""),
    ]  # fmt: skip


def share(parts: list[bool] | list[float]) -> str:
    return f"{100 * sum(parts) / len(parts):.1f}"
