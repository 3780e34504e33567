"""Runs a program against an exercise's tests, and looks at what it did where one fails."""

from __future__ import annotations

from functools import cache

from web.runner import cases
from web.runner.answers import explained, joined, looked_at, report_of
from web.runner.cases import RunLimits, Tests
from web.runner.host import PLACES, Places, RunAnswer, Sandbox, SandboxBusy
from web.tutor.evidence.report import ProgramError, Report, Verdict

__all__ = ["Checker", "SandboxBusy", "checker"]
FACTS_S = 0.015
"""Seconds in which facts are looked for, of a program that came to its end."""
STUCK_FACTS_S = 0.25
"""The same for one that was stopped: it has to run until it can be seen that it does not end."""
SPARE_S = 0.35
EXPLAINED = frozenset(
    (Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX, Verdict.TIME, Verdict.MEMORY, Verdict.TOO_DEEP)
)
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
        *,
        reference: str | None = None,
    ) -> Report:
        """A report on any text whatever; Verdict.NOT_RUN where nothing can be run.

        reference: a right program, if facts may compare with it. Raises: SandboxBusy, NotBuilt.
        """
        if language != "python":
            return _not_run("Language", language)
        if tests is None or not cases.runnable(tests):
            return _not_run("NoTests", "the exercise has no tests that can be run")
        # No Python source holds half a surrogate pair, as JSON can.
        code = code.encode("utf-8", "replace").decode()
        with self.places.take() as sandbox:
            report, part, answer = _run(sandbox, code, tests, limits)
            if report.verdict not in EXPLAINED:
                return report
            if reference is None and looked_at(answer):
                return explained(report, answer, code)
            # It was stopped by a limit. A reference is not for the memory in which it is judged.
            ends = report.verdict in ENDED and reference is not None
            budget_s = FACTS_S if ends else STUCK_FACTS_S
            job = cases.job(
                code, part, judge=False, ends=ends, budget_s=budget_s, reference=reference
            )
            time = RunLimits(time_s=budget_s + SPARE_S, memory_bytes=limits.memory_bytes)
            return explained(report, sandbox.run(job, time), code)


def _run(
    sandbox: Sandbox, code: str, tests: Tests, limits: RunLimits
) -> tuple[Report, Tests, RunAnswer]:
    """The report; the part of the tests that it tells of; and what the guest said of that."""
    first, *others = cases.parts(tests)
    told, answer = first, sandbox.run(cases.job(code, first, budget_s=FACTS_S), limits)
    report = report_of(answer, first, limits)
    for part in others:
        # A program that met a limit would meet it again.
        if report.verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.ERROR):
            said = sandbox.run(cases.job(code, part, budget_s=FACTS_S), limits)
            if report.verdict is Verdict.PASSED:
                told, answer = part, said
            report = joined(report, report_of(said, part, limits))
    return report, told, answer


def _not_run(kind: str, message: str) -> Report:
    return Report(verdict=Verdict.NOT_RUN, error=ProgramError(kind=kind, message=message))


@cache
def checker() -> Checker:
    """The process's one checker: student code runs in its sandbox, never here."""
    return Checker()
