"""The process's one checker: student code runs in its sandbox, never here."""

from functools import cache

from web.api import problem
from web.api.problem import Problem
from web.courses.models import Exercise
from web.runner.checker import Checker, SandboxBusy
from web.tutor.evidence.report import Report

RETRY_S = 3
"""About as long as two programs that never end keep a sandbox."""


@cache
def checker() -> Checker:
    return Checker()


def check(exercise: Exercise, code: str) -> Report:
    """L0 for this code; a skipped report where there is no test for it. Raises: Problem busy."""
    try:
        return checker().check(code, exercise.tests, language=exercise.language)
    except SandboxBusy:
        raise Problem(problem.BUSY, retry_after_s=RETRY_S) from None
