"""Runs a student's Python against an exercise's tests in the Monty sandbox, within its limits."""

from __future__ import annotations

import string
import time
from dataclasses import replace
from functools import cache
from threading import BoundedSemaphore
from typing import Literal

from pydantic_monty import (
    ExternalModule,
    Monty,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    ResourceLimits,
)

from web.runner.cases import PRELUDE, TALLY, Suite, expand
from web.runner.stops import MEMORY_LIMIT_BYTES, TIME_LIMIT_S, stop, translate
from web.tutor.evidence.report import LENGTHS, Case, ProgramError, Report, Verdict, shorten

WAIT_FOR_SANDBOX_S = 5.0
# Who waits for a sandbox holds a thread of the web process, and pages need threads too.
MOST_WAITING = 4
# A second run only to learn the line of an error is not worth more than this.
LINE_SEARCH_S = 1.0
LIMITS: ResourceLimits = {
    "max_feed_duration_secs": TIME_LIMIT_S,
    "max_memory": MEMORY_LIMIT_BYTES,
}
# The sandbox has no `string`; only constants are lent, so that no call ever leaves the sandbox.
CONSTANTS = ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "punctuation")
MODULES = {"string": ExternalModule({name: getattr(string, name) for name in CONSTANTS})}


class Output:
    """The first characters that the code prints; the rest is counted and dropped."""

    def __init__(self) -> None:
        self.text = ""
        self.chars = 0

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self.text += text[: LENGTHS["output"] - len(self.text)]
        self.chars += len(text)

    def shown(self) -> str:
        return shorten(self.text, LENGTHS["output"], self.chars - len(self.text))


class SandboxBusy(Exception):
    """As many programs run and wait as may; the same check may work a moment later."""


class Checker:
    """A bounded pool of sandbox processes; threads may share it, forked processes may not."""

    def __init__(self, *, processes: int = 2) -> None:
        self._pool = Monty(max_processes=processes, checkout_timeout=WAIT_FOR_SANDBOX_S)
        self._pool.__enter__()
        self._seats = BoundedSemaphore(processes + MOST_WAITING)

    def close(self) -> None:
        """End the sandbox processes; no check may follow."""
        self._pool.__exit__(None, None, None)

    def check(self, code: str, tests: str, language: str = "python") -> Report:
        """A report on any text whatever, after at most about three times the time limit.

        tests: Python source of asserts, bare or as `def check(candidate)` with `check(f)`.
        Raises: SandboxBusy.
        """
        if language != "python":
            return _skipped("Language", language)
        suite = expand(tests)
        if suite is None:
            return _skipped("NoTests", "the exercise has no tests that can be run")
        output = Output()
        # The sandbox takes only text that UTF-8 can hold; JSON can carry half a surrogate pair.
        code = code.encode("utf-8", "replace").decode()
        if not self._seats.acquire(blocking=False):
            raise SandboxBusy
        try:
            with self._pool.checkout(
                limits=LIMITS,
                assert_message_annotations=False,
                os_policy={"sleep": "zero"},
                external_modules=MODULES,
            ) as session:
                report = _run(session, code, suite, output)
        except TimeoutError:
            raise SandboxBusy from None
        except MontyCrashedError as error:
            crash = ProgramError(kind="Crashed", message=str(error))
            report = Report(verdict=Verdict.CRASHED, total=suite.total, error=crash)
        finally:
            self._seats.release()
        return replace(report, output=output.shown()).cut()


def _skipped(kind: str, message: str) -> Report:
    return Report(verdict=Verdict.SKIPPED, error=ProgramError(kind=kind, message=message))


def _run(session: MontySession, code: str, suite: Suite, output: Output) -> Report:
    began_s = time.monotonic()
    _feed(session, PRELUDE, output)
    ended = _feed(session, code, output)
    if ended:
        return replace(ended, total=suite.total)
    ended = _feed(session, suite.counted, output)
    report = _report(session, ended, suite.total)
    in_time = time.monotonic() - began_s < LINE_SEARCH_S
    if report.verdict is Verdict.ERROR and ended is None and in_time:
        plain = _feed(session, suite.plain, Output())
        # The plain tests stop at their first error, which need not be the report's.
        if plain and plain.error and report.error and plain.error.kind == report.error.kind:
            return replace(report, error=plain.error)
    return report


def _feed(session: MontySession, source: str, output: Output) -> Report | None:
    """Runs it without its value: a last line like `[text] * 300` would be copied to this process.

    The line that sees to it may be what a syntax error names: then it is read again without.
    """
    try:
        try:
            session.feed_run(f"{source}\nNone", print_callback=output)
        except MontySyntaxError:
            session.feed_run(source, print_callback=output)
    except (MontySyntaxError, MontyRuntimeError) as error:
        return translate(error)
    return None


def _noted(session: MontySession) -> tuple[int, int, list[str]]:
    """What the tests noted: cases.TALLY, its first two texts as numbers.

    Zeros and empty texts when a limit left the sandbox full, or ended its process.
    """
    try:
        seen, bad, *texts = session.feed_run(TALLY)
        return int(seen), int(bad), texts
    except (MontyError, RuntimeError, ValueError):
        return 0, 0, [""] * 6


def _report(session: MontySession, ended: Report | None, total: int) -> Report:
    seen, bad, (running, call, expected, got, kind, message) = _noted(session)
    if not (ended or seen):
        return _skipped("NoTests", "the exercise's tests check nothing")
    # What stopped the first failing case; one that gave a wrong value nothing has stopped.
    found = ended
    if bad:
        found = stop(kind, message) if kind else None
    error = found.error if found else None
    first = None
    if bad or (ended and running):
        first = Case(
            call=call,
            expected=expected,
            got=None if error else got,
            error=f"{error.kind}: {error.message}" if error else None,
        )
    plain = Verdict.FAILED if first else Verdict.PASSED
    return Report(
        verdict=found.verdict if found else plain,
        passed=seen - bad - bool(running),
        total=total if ended else seen,
        first=first,
        error=error,
    )


@cache
def checker() -> Checker:
    """The process's one checker: student code runs in its sandbox, never here."""
    return Checker()
