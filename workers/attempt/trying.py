"""Tries the code that a written hint holds: whether it solves the exercise (R5, R6).

The rules read what a hint says of the solutions that are known. Another right program only running
it can tell. What cannot be tried is not shown: it may be the answer.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from web.hints import lookup
from web.runner.cases import Asserts, RunLimits, Tests
from web.tutor.evidence.report import LOST, Verdict
from web.tutor.gate.ruling import Ruling, blocked, unjudged
from web.tutor.gate.seen import Seen
from web.tutor.gate.whole import CANDIDATES_MAX, bare, identifiers, mended, strange
from web.tutor.parsing import tree_of
from web.tutor.writing.fault import Fault

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 5.0
"""For all programs of one hint: the student waits for it."""
TIME_PART, LEAST_TIME_S = 0.25, 0.25
"""Of the exercise's time limit, and at least. A right program takes far less than the limit, and of
a program that does not end there may be several."""
SPANS, EXAMPLE = "R6", "R5"
"""The rules, as staff read them."""


class CodeTrial:
    """What is tried of one answer of an attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._code = attempt.job.code
        self._seen = Seen(self._code, f"{attempt.job.statement}\n{attempt.job.l0}")

    def holds(self, text: str) -> bool:
        """Whether a part of the answer has code that must be tried before anybody reads it."""
        return "`" in text and mended(text, self._code, self._seen) != []

    async def tried(self, ruling: Ruling, example: str) -> Ruling:
        """The gate's ruling on a whole text, or that its code is not shown.

        example: the code of the text's example; empty for none.
        """
        if not ruling.ok:
            return ruling
        said = ruling.text.replace(example, "") if example else ruling.text
        spans = mended(said, self._code, self._seen)
        if spans == [] and not example:
            return ruling
        database = self._attempt.runtime.database
        found = await database.run(lookup.tests_of, self._attempt.job.hint)
        if found is None:
            # Nothing of this exercise is run here, so a hint for it has no example either.
            return unjudged(EXAMPLE) if example else ruling
        tests, limits = found
        if example and shares_names(example, tests):
            return blocked(EXAMPLE, Fault.EXAMPLE, example)
        told = " ".join(f"`{span}`" for span in strange(said, self._seen))
        for rule, fault, part, programs in (
            (EXAMPLE, Fault.EXAMPLE, example, alone(example, tests)),
            (SPANS, Fault.CODE, told, spans),
        ):
            solves = await self._any_solves(programs, tests, limits)
            if solves is None:
                return unjudged(rule)
            if solves:
                return blocked(rule, fault, part)
        return ruling

    async def _any_solves(
        self, programs: Sequence[str] | None, tests: Tests, limits: RunLimits
    ) -> bool | None:
        """None where that could not be found out."""
        if not programs:
            return None if programs is None else False
        work = partial(any_solves, programs=programs, tests=tests, limits=limits)
        return await self._attempt.runtime.programs.run(work)


# Each has memory of its own: one that does not end, or breaks Python, says nothing of the next.
def any_solves(
    checker: Any, *, programs: Sequence[str], tests: Tests, limits: RunLimits
) -> bool | None:
    until_s = monotonic() + WITHIN_S
    time_s = max(TIME_PART * limits.time_s, min(LEAST_TIME_S, limits.time_s))
    for program in programs:
        if monotonic() > until_s:
            return None
        report = checker.check(program, tests, replace(limits, time_s=time_s))
        if report.verdict is Verdict.PASSED:
            return True
        if report.error and report.error.kind == LOST:
            return None
    return False


def alone(example: str, tests: Tests) -> list[str] | None:
    """The example, and it with each of its functions under the names that the tests call."""
    if not example:
        return []
    wanted, tree = sorted(called(tests)), tree_of(example)
    found = [example]
    for node in tree.body if wanted and tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(f"{example}\n{' = '.join([*wanted, node.name])}\n")
    return found if len(found) <= CANDIDATES_MAX else None


def shares_names(example: str, tests: Tests) -> bool:
    """Whether the example has a name of the tests."""
    names = identifiers(tests.source) if isinstance(tests, Asserts) else set()
    return not bare(names).isdisjoint(bare(identifiers(example)))


def called(tests: Tests) -> set[str]:
    """Names in asserts that Python does not know: those of a program, and of its functions."""
    tree = tree_of(tests.source) if isinstance(tests, Asserts) else None
    names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) if tree else ()
    return {name for name in names if not hasattr(builtins, name)}
