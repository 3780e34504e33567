"""Runs a program against an exercise's tests, and looks at what it did where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial

from web.runner import cases
from web.runner.answers import explained, joined, looked_at, report_of
from web.runner.build import NotBuilt
from web.runner.cases import RunLimits, Tests
from web.runner.host import PLACES, Places, RunAnswer, Sandbox, SandboxBusy
from web.tutor.evidence.report import EXPLAINED, ProgramError, Report, Verdict

__all__ = ["CODE_BYTES", "Checker", "JudgedRun", "SandboxBusy", "checker"]
CODE_BYTES = 64 * 1024
"""Most bytes of a program in UTF-8."""
FACTS_S, STUCK_FACTS_S = 0.2, 1.0
"""Seconds after which no more facts are looked for: of a program that came to its end, and of one
that was stopped, which has to run until it can be seen that it does not end. What is found depends
on counts (web.runner.guest.facts); time is the last fuse, for programs whose single steps are long.
"""
SPARE_S = 0.35
PLACE_S = 0.5
"""So long facts are waited for where others run: whoever asks has a report already."""
OF_NO_INPUT = frozenset((Verdict.SYNTAX, Verdict.NOT_RUN))
"""Of these all is told also where every case is hidden: they are found without any input too."""
ENDED = frozenset((Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX))


class JudgedRun:
    """What a run showed. report: without facts, unless it comes from an earlier run."""

    def __init__(self, report: Report, explain: Callable[[], Report] | None = None) -> None:
        self.report, self._explain = report, explain

    def explained(self) -> Report:
        """As Checker.explain; only while the program's place is held."""
        return self._explain() if self._explain else self.report


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
        with self.running(code, tests, limits, language) as judged:
            return judged.report

    @contextmanager
    def running(
        self,
        code: str,
        tests: Tests | None,
        limits: RunLimits = RunLimits(),  # noqa: B008  # frozen
        language: str = "python",
    ) -> Iterator[JudgedRun]:
        """As check, and holds the program's place, so that explaining it costs the least.

        Raises: SandboxBusy, NotBuilt.
        """
        if language != "python":
            yield JudgedRun(_not_run("Language", language))
        elif tests is None or not cases.runnable(tests):
            yield JudgedRun(_not_run("NoTests", "the exercise has no tests that can be run"))
        else:
            with self.places.take() as sandbox:
                run = Run(sandbox, code, limits)
                report = run.judge(tests)
                yield JudgedRun(report, partial(run.explain, report, tests))

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
        try:
            with self.places.take(PLACE_S) as sandbox:
                return Run(sandbox, code, limits).explain(report, tests, reference)
        except SandboxBusy:
            return report


class Run:
    """A program in a child process, for as long as its place is held."""

    def __init__(self, sandbox: Sandbox, code: str, limits: RunLimits) -> None:
        self._sandbox, self._limits = sandbox, limits
        # No Python source holds half a surrogate pair, as JSON can.
        self._code = code.encode("utf-8", "replace").decode()
        self._left: Tests | None = None
        """The part of the tests that was judged last: the kept memory is of it alone."""

    def judge(self, tests: Tests) -> Report:
        """Raises: NotBuilt."""
        first, *others = cases.parts(tests)
        report = self._judged(first)
        if report.verdict in OF_NO_INPUT and cases.is_hidden(first):
            bare = self.judge(cases.without_input(first))
            if bare.verdict is report.verdict:
                report = replace(report, error=bare.error)
        for part in others:
            # A program that met a limit would meet it again.
            if report.verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.ERROR):
                report = joined(report, self._judged(part))
        return report

    def explain(self, report: Report, tests: Tests, reference: str | None = None) -> Report:
        """As Checker.explain, of a report on this program."""
        if report.verdict not in EXPLAINED:
            return report
        part, ended = _told_of(report, tests), report.verdict in ENDED
        try:
            # Memory that has read hidden cases must tell nothing of those that can be seen.
            answer = self._look(part, reference, ends=ended, goes_on=self._left == part)
            if ended and not looked_at(answer):
                # A case after the failing one may not end.
                answer = self._look(part, reference, ends=False)
        except (NotBuilt, OSError):
            return report
        return explained(report, answer, part, self._code)

    def _judged(self, part: Tests) -> Report:
        self._left = part
        answer = self._sandbox.run(cases.job(self._code, part), self._limits, keeps=True)
        return report_of(answer, part, self._limits)

    def _look(
        self, part: Tests, reference: str | None, *, ends: bool, goes_on: bool = False
    ) -> RunAnswer:
        """The guest's facts. No program that is judged can read the reference: it comes later."""
        budget_s = FACTS_S if ends else STUCK_FACTS_S
        job = cases.job(
            self._code, part, explain=True, ends=ends, budget_s=budget_s, reference=reference
        )
        time = RunLimits(time_s=budget_s + SPARE_S, memory_bytes=self._limits.memory_bytes)
        self._left = None
        return self._sandbox.run(job, time, goes_on=goes_on)


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
