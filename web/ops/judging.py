"""Judges programs that are no rows: what the tests say, what the program did, and its hints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from web import jsonl
from web.jsonl import Unusable
from web.runner.cases import Asserts, Io, IoCase, RunLimits, Tests
from web.runner.checker import CODE_BYTES, checker
from web.tutor.evidence.compose import HIGHEST, compose
from web.tutor.evidence.report import Report
from web.tutor.languages import LANGUAGES

MOST_CASES = 1_000


def report_on(code: object, tests: Tests | None, limits: RunLimits = RunLimits()) -> Report:  # noqa: B008  # frozen
    """Runs a Python program. Raises: Unusable, NotBuilt."""
    if not isinstance(code, str):
        raise Unusable("`code` must be a program, as text")
    if not code.strip():
        raise Unusable("the program, `code`, is empty")
    if len(code.encode(errors="replace")) > CODE_BYTES:
        raise Unusable(f"`code` has more than {CODE_BYTES:,} bytes")
    with checker().running(code, tests, limits) as judged:
        return judged.explained()


def hints_of(report: Report, code: str, seed: str) -> dict[int, dict[str, str | None]]:
    """The composed hints by level and language; None where there is none."""
    return {
        level: {locale: compose(report, level, locale, seed, code) for locale in LANGUAGES}
        for level in range(1, HIGHEST + 1)
    }


def answers(lines: BinaryIO) -> Iterator[dict[str, Any]]:
    """An object for each line that is not blank, in their order.

    A line is JSON with the keys id, code, tests (asserts, a text or a list of texts) or cases (of
    stdin and expected), and statement. Its object has id, verdict, passed, total, first, facts and
    hints; that of a line that cannot be used has id, line and error.
    Raises: NotBuilt.
    """
    return jsonl.answers(lines, judged)


def judged(entry: Mapping[str, Any]) -> dict[str, Any]:
    report = report_on(entry.get("code"), tests_of(entry))
    shown = report.as_json()
    return {
        **{name: shown[name] for name in ("verdict", "passed", "total", "first", "facts")},
        "hints": hints_of(report, entry["code"], str(jsonl.named(entry))),
    }


def tests_of(entry: Mapping[str, Any]) -> Tests:
    """Raises: Unusable unless there is one of the two kinds."""
    tests, cases = entry.get("tests"), entry.get("cases")
    if (tests is None) == (cases is None):
        raise Unusable("there must be `tests` or `cases`, and not both")
    if cases is not None:
        return Io(tuple(io_cases(cases)))
    texts: list[Any] = tests if isinstance(tests, list) else [tests]
    if not all(isinstance(text, str) for text in texts):
        raise Unusable("`tests` must be asserts, as text or as a list of texts")
    return Asserts("\n".join(texts))


def io_cases(cases: object) -> Iterator[IoCase]:
    if not isinstance(cases, list) or not 0 < len(cases) <= MOST_CASES:
        raise Unusable(f"`cases` must be a list of 1 to {MOST_CASES:,} cases")
    for number, case in enumerate(cases, start=1):
        texts = [case.get(key) for key in ("stdin", "expected")] if isinstance(case, dict) else []
        stdin, expected = texts or (None, None)
        if not isinstance(stdin, str) or not isinstance(expected, str):
            raise Unusable(f"case {number} must have `stdin` and `expected`, as texts")
        yield IoCase(stdin=stdin, expected=expected, visible=case.get("visible") is not False)
