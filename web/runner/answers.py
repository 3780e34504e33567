"""The only way from what the guest says to a report: a program shares its memory with the guest."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from web.runner.cases import Asserts, IoCase, RunLimits, Tests, is_hidden
from web.runner.host import RunAnswer
from web.runner.wire import Ending
from web.tutor.evidence.facts import OF_CODE, Fact, facts_from_json
from web.tutor.evidence.report import LOST, MOST_CASES, Case, ProgramError, Report, Verdict
from web.tutor.evidence.steps import Steps

LAST_LINE = 100_000
MOST_HIDDEN = 3
"""Facts of a hidden case: a program may choose by its input which there are."""


def report_of(answer: RunAnswer, tests: Tests, limits: RunLimits) -> Report:
    """What a run showed. Each field of the guest's is checked: none need be what it should be."""
    if answer.ending is Ending.LOST:
        return Report(verdict=Verdict.NOT_RUN, error=ProgramError(kind=LOST, message=""))
    said = _object(answer.line)
    verdict = _verdict(said.get("verdict"))
    error = _error(said.get("error"))
    if error and is_hidden(tests):
        error = _bare(error)
    case = _mapping(said.get("first"))
    most = MOST_CASES if isinstance(tests, Asserts) else len(tests.cases)
    passed, total = (min(_number(said.get(key)), most) for key in ("passed", "total"))
    if verdict is None:
        # It never came to its end; a case that had failed before is still the first one.
        running = _mapping(said.get("running"))
        if case is None or error is not None:
            verdict, error = _stopped(answer.ending, limits), None
        else:
            verdict = Verdict.FAILED
        case = case or running
    error = _of_limit(verdict, limits) or error
    if verdict is Verdict.NOT_RUN:
        case = None
        if error is None or error.kind != "Unsupported":
            error = ProgramError(kind="NoTests", message="the exercise's tests check nothing")
    first = _case(case, tests, error) if case else None
    found = Report(
        verdict=verdict,
        passed=min(passed, total),
        total=total,
        first=first,
        error=error,
        output=_text(said.get("output")),
    )
    return (_hide(found) if is_hidden(tests) else found).cut()


def joined(report: Report, more: Report) -> Report:
    """Of two parts of an exercise's tests; the first that does not pass tells the verdict."""
    told = more if report.verdict is Verdict.PASSED else report
    return replace(
        told, passed=report.passed + more.passed, total=report.total + more.total,
        output=report.output,
    )  # fmt: skip


def looked_at(answer: RunAnswer) -> bool:
    """Whether the guest came to look for facts, and to the end of that."""
    return "facts" in _object(answer.line)


def explained(report: Report, answer: RunAnswer, tests: Tests, code: str) -> Report:
    """The report with the facts and steps that were found; as it is where none were.

    tests: the part that both runs were of.
    """
    said = _object(answer.line)
    facts = facts_from_json(said.get("facts"))
    # Not by the report's case: a program may have sent a report without one.
    if is_hidden(tests):
        return replace(report, facts=tuple(_of_source(fact, code) for fact in facts[:MOST_HIDDEN]))
    return replace(report, facts=facts, steps=Steps.from_json(said.get("steps")))


def _stopped(ending: Ending, limits: RunLimits) -> Verdict:
    match ending:
        case Ending.TIME:
            return Verdict.TIME
        case Ending.TOO_DEEP:
            return Verdict.TOO_DEEP
    return Verdict.CRASHED


def _of_limit(verdict: Verdict, limits: RunLimits) -> ProgramError | None:
    match verdict:
        case Verdict.TIME:
            return ProgramError(kind="TimeoutError", message=f"ran longer than {limits.time_s:g} s")
        case Verdict.MEMORY:
            return ProgramError(
                kind="MemoryError", message=f"used more than {limits.memory_bytes >> 20} MB"
            )
        case Verdict.OUTPUT:
            return ProgramError(kind="OutputFull", message="printed more than is read")
        case Verdict.TOO_DEEP:
            return ProgramError(kind="RecursionError", message="too deep")
        case Verdict.CRASHED:
            return ProgramError(kind="Crashed", message="the program broke off")
    return None


def _case(said: Mapping[str, Any], tests: Tests, error: ProgramError | None) -> Case:
    text = ": ".join(filter(None, (error.kind, error.message))) if error else None
    got = None if error else _text(said.get("got"))
    if isinstance(tests, Asserts):
        return Case(
            call=_text(said.get("call")), expected=_text(said.get("expected")), got=got, error=text
        )
    found = _asked(said, tests.cases)
    return Case(
        call="", stdin=found.stdin, expected=found.expected, got=got, error=text,
        hidden=not found.visible, note=found.note,
    )  # fmt: skip


def _asked(said: Mapping[str, Any], cases: tuple[IoCase, ...]) -> IoCase:
    return cases[min(_number(said.get("number")), len(cases) - 1)]


def _hide(report: Report) -> Report:
    """Of a hidden case only that it failed, and on which line: a program may print its input.

    So much a program can still choose by what it reads, some bits a run: the verdict, how many
    cases pass, a class of Python's own, a line, the time it takes; and the facts' kinds and lines.
    """
    first = report.first
    if first:
        stopped = report.error.kind if report.error else None
        first = replace(first, stdin="", expected="", got=None, error=stopped)
    return replace(report, first=first, output="")


def _bare(error: ProgramError) -> ProgramError:
    """What is told of an error with hidden input: a program may make a class of what it read."""
    if error.kind == "Unsupported":
        return replace(error, message="…")
    named = getattr(builtins, error.kind, None)
    known = isinstance(named, type) and issubclass(named, BaseException)
    return replace(error, kind=error.kind if known else "Exception", message="")


def _of_source(fact: Fact, code: str) -> Fact:
    """With pieces of the program alone: a value of the run that stands there tells of the case."""
    values = {
        name: value
        for name, value in fact.values.items()
        if name in OF_CODE and isinstance(value, str) and value in code
    }
    return replace(fact, values=values)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        # Half characters and NUL are cut out below, with everything else that cannot be shown.
        return _mapping(json.loads(line)) or {}
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _verdict(value: object) -> Verdict | None:
    return Verdict(value) if isinstance(value, str) and value in list(Verdict) else None


def _error(value: object) -> ProgramError | None:
    said = _mapping(value)
    if said is None:
        return None
    line = _number(said.get("line"))
    return ProgramError(
        kind=_text(said.get("kind")),
        message=_text(said.get("message")),
        line=line if 1 <= line <= LAST_LINE else None,
    )


def _number(value: object) -> int:
    return max(value, 0) if type(value) is int else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
