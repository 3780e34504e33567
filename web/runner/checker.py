"""Runs a program against an exercise's tests, and looks at what it did where one fails."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from web.runner import cases
from web.runner.answers import explained, joined, looked_at, report_of
from web.runner.build import NotBuilt
from web.runner.cases import RunLimits, Tests
from web.runner.host import PLACES, Places, RunAnswer, Sandbox, SandboxBusy
from web.tutor.evidence.report import EXPLAINED, ProgramError, Report, Verdict

__all__ = ["CODE_BYTES", "Checker", "SandboxBusy", "checker"]
CODE_BYTES = 64 * 1024
"""Most bytes of a program in UTF-8."""
FACTS_S = 0.015
"""Seconds in which facts are looked for, of a program that came to its end."""
STUCK_FACTS_S = 0.25
"""The same for one that was stopped: it has to run until it can be seen that it does not end."""
SPARE_S = 0.35
PLACE_S = 0.5
"""So long facts are waited for where others run: whoever asks has a report already."""
OF_NO_INPUT = frozenset((Verdict.SYNTAX, Verdict.NOT_RUN))
"""Of these all is told also where every case is hidden: they are found without any input too."""
ENDED = frozenset((Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX))


class Checker:
    """Programs run in child processes; threads may share it, forked processes may not."""

    def __init__(self, *, processes: int = PLACES) -> None:
        self.places = Places(processes)

    def close(self) -> None:
        """End the child processes; no check may follow."""
        self.places.close()

    def check(
        self,
        code: str,
        tests: Tests | None,
        limits: RunLimits = RunLimits(),  # noqa: B008  # frozen
        language: str = "python",
    ) -> Report:
        """A report on any text whatever, without facts; Verdict.NOT_RUN where nothing can be run.

        Raises: SandboxBusy, NotBuilt.
        """
        if language != "python":
            return _not_run("Language", language)
        if tests is None or not cases.runnable(tests):
            return _not_run("NoTests", "the exercise has no tests that can be run")
        with self.places.take() as sandbox:
            return _run(sandbox, _encodable(code), tests, limits)

    def explain(
        self,
        report: Report,
        code: str,
        tests: Tests | None,
        limits: RunLimits = RunLimits(),  # noqa: B008  # frozen
        *,
        reference: str | None = None,
    ) -> Report:
        """What check gave, with facts and steps of the first failing case; else as it is.

        That is so where nothing fails or is found, and where no place is free for PLACE_S.
        reference: a right program, if facts may compare with it.
        """
        if tests is None or report.verdict not in EXPLAINED:
            return report
        code, part, ended = _encodable(code), _told_of(report, tests), report.verdict in ENDED
        try:
            with self.places.take(PLACE_S) as sandbox:
                answer = _look(sandbox, code, part, limits, reference, ends=ended)
                if ended and not looked_at(answer):
                    # A case after the failing one may not end.
                    answer = _look(sandbox, code, part, limits, reference, ends=False)
                return explained(report, answer, part, code)
        except (SandboxBusy, NotBuilt, OSError):
            return report


def _encodable(code: str) -> str:
    # No Python source holds half a surrogate pair, as JSON can.
    return code.encode("utf-8", "replace").decode()


def _run(sandbox: Sandbox, code: str, tests: Tests, limits: RunLimits) -> Report:
    first, *others = cases.parts(tests)
    report = report_of(sandbox.run(cases.job(code, first), limits), first, limits)
    if report.verdict in OF_NO_INPUT and cases.is_hidden(first):
        bare = _run(sandbox, code, cases.without_input(first), limits)
        if bare.verdict is report.verdict:
            report = replace(report, error=bare.error)
    for part in others:
        # A program that met a limit would meet it again.
        if report.verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.ERROR):
            more = report_of(sandbox.run(cases.job(code, part), limits), part, limits)
            report = joined(report, more)
    return report


def _look(
    sandbox: Sandbox,
    code: str,
    part: Tests,
    limits: RunLimits,
    reference: str | None,
    *,
    ends: bool,
) -> RunAnswer:
    """The guest's facts, from memory of its own: no program that is judged can read the reference,
    and what it may have done to its tests is not there."""
    budget_s = FACTS_S if ends else STUCK_FACTS_S
    job = cases.job(code, part, explain=True, ends=ends, budget_s=budget_s, reference=reference)
    time = RunLimits(time_s=budget_s + SPARE_S, memory_bytes=limits.memory_bytes)
    return sandbox.run(job, time)


def _told_of(report: Report, tests: Tests) -> Tests:
    """The part of the tests that holds the failing case."""
    first, *others = cases.parts(tests)
    # One without a case may be forged: then only what the student may see is played.
    part = others[-1] if others and report.first and report.first.hidden else first
    if report.verdict in OF_NO_INPUT and cases.is_hidden(part):
        return cases.without_input(part)
    return part


def _not_run(kind: str, message: str) -> Report:
    return Report(verdict=Verdict.NOT_RUN, error=ProgramError(kind=kind, message=message))


@cache
def checker() -> Checker:
    """The process's one checker: student code runs in its sandbox, never here."""
    return Checker()
