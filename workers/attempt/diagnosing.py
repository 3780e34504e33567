"""The steps that find out what is wrong with a program: a model says it, and running proves it.

They ask in hiding. Where it finds nothing, the hint is written without it, and the exercise's
reference stands in as what no hint may say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any

from broker import dispatch
from broker.base.errors import BrokerDown
from broker.contract.attempt import PASSED, UNVERIFIED, Purpose
from broker.contract.job import Message, Sampling
from broker.health import EngineFailure
from web.engines.client.answer import Answer
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.hints import ahead, diagnoses
from web.hints.diagnoses import Known, Subject
from web.tutor.diagnosis import finding
from web.tutor.evidence.compose import candidates
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Verdict
from web.tutor.languages import OPERATORS
from workers.attempt import telemetry
from workers.attempt.calls import ModelRequest, ask_whole, nonce

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 25.0
"""For all tries together: the student waits for the hint that is written afterwards."""
WAIT_S = 25.0
"""So long a hint waits for another one that has the same program found out."""
PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
FACTS = 3
PARTING = "first_difference"
"""The kind of fact that needs a right program."""


async def diagnose(attempt: Attempt) -> None:
    """Leaves the fix, and what is wrong in words, where both are known. Raises: ModelError."""
    job, database = attempt.job, attempt.runtime.database
    if job.unfit or not job.diagnoses:
        return
    asked = await database.run(diagnoses.subject, job.hint, job.endpoint.model)
    known = await found(attempt, asked) if asked else None
    if asked and known and known.verified:
        attempt.fix = known.fix
        shown = "\n".join([job.code, job.statement, job.l0])
        attempt.diagnosis = finding.told(known.said, known.fix, shown)
        await explain(attempt, asked)


async def run_ahead(attempt: Attempt) -> None:
    """Finds it out for whoever asks afterwards; the row is this attempt's. Raises: ModelError."""
    job, database = attempt.job, attempt.runtime.database
    asked = await database.run(ahead.subject, job.hint)
    if asked is None:
        return
    row = ahead.number(job.hint)
    try:
        await find_out(attempt, asked, row, partial(ahead.requeue, job.hint, job.attempt))
    finally:
        await database.run(ahead.keep_calls, row, attempt.calls)


AHEAD = (run_ahead,)
"""The steps of a diagnosis that runs ahead."""


async def found(attempt: Attempt, asked: Subject) -> Known | None:
    """What is kept, or is found out now; None where that takes another attempt too long."""
    until_s, pause_s = monotonic() + WAIT_S, PAUSE_S
    while True:
        there = await attempt.runtime.database.run(diagnoses.take, asked, attempt.job.code)
        if isinstance(there, Known):
            attempt.kept_diagnosis = True
            return there
        if there.row is not None:
            return await find_out(attempt, asked, there.row)
        if monotonic() >= until_s:
            return None
        if there.ahead:
            # Somebody waits now: a diagnosis that gave way to other hints would be begun anew.
            with suppress(BrokerDown):
                await attempt.runtime.broker.run(dispatch.want(ahead.name(there.ahead)))
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)


async def find_out(
    attempt: Attempt, asked: Subject, row: int, broken_off: Callable[[], object] | None = None
) -> Known | None:
    """None where this model cannot tell. broken_off: what becomes of the row if this raises."""
    known, give_up = None, partial(diagnoses.give_up, row)
    change = broken_off or give_up
    try:
        try:
            known = await tried(attempt, asked)
        except ModelRefused as error:
            # Too long for this model, perhaps: the hint's own request is shorter.
            if error.cause is not Refusal.REQUEST:
                raise
        except EngineFailed as error:
            if error.failure is not EngineFailure.TIMEOUT:
                raise
        change = partial(diagnoses.keep, row, known) if known else give_up
        if known:
            verdict = PASSED if known.verified else UNVERIFIED
            telemetry.diagnosed(attempt.job.engine, attempt.endpoint.dialect, verdict)
    finally:
        await attempt.runtime.database.run(change)
    return known


async def tried(attempt: Attempt, asked: Subject) -> Known | None:
    """At most TRIES answers; None where no program can be run here. Raises: ModelError."""
    job, runtime = attempt.job, attempt.runtime
    until_s = monotonic() + WITHIN_S
    messages, said = first_messages(attempt, asked), dict[str, Any]()
    for _ in range(finding.TRIES):
        text = await answered(attempt, messages, until_s)
        read = finding.parse(text, job.code)
        if read is not None:
            said = {
                "fact": read.fact, "misconception": read.misconception, "lines": [*read.lines],
                "contradiction": read.contradiction,
            }  # fmt: skip
            if not read.fixed_code:
                break
        result = finding.unfit(read, job.code)
        if read is not None and not result:
            fixed = read.fixed_code
            run = partial(check, code=fixed, asked=asked)
            report = await runtime.programs.run(run)
            if report is None:
                return None
            if report.verdict is Verdict.PASSED:
                judged(attempt, PASSED)
                return Known(verified=True, fix=fixed, said=said)
            result = l0_words(report, OPERATORS, fixed)
        judged(attempt, UNVERIFIED)
        messages = [*messages, *finding.again(text, result)]
    judged(attempt, UNVERIFIED)
    return Known(verified=False, fix="", said=said)


def check(checker: Any, *, code: str, asked: Subject) -> Any:
    return checker.check(code, asked.tests, asked.limits)


def judged(attempt: Attempt, verdict: str) -> None:
    attempt.calls[-1] = replace(attempt.calls[-1], verdict=verdict)


def first_messages(attempt: Attempt, asked: Subject) -> list[Message]:
    job, report = attempt.job, asked.report
    composed = candidates(report, 2, OPERATORS, job.hint, job.code)
    return finding.messages(
        statement=job.statement,
        mistakes=job.mistakes,
        code=job.code,
        result=l0_words(report, OPERATORS, job.code),
        facts="\n".join(each.text for each in islice(composed, FACTS)),
        nonce=nonce(job, Purpose.DIAGNOSE),
    )


async def answered(attempt: Attempt, messages: list[Message], until_s: float) -> str:
    """By the schema, if the server takes one. Raises: ModelError."""

    async def ask(form: Sampling) -> str:
        within_s = max(0.0, until_s - monotonic())
        request = ModelRequest(Purpose.DIAGNOSE, finding.VERSION, messages, form, within_s=within_s)
        return await ask_whole(attempt, request, Answer(attempt.endpoint))

    job = attempt.job
    return await attempt.endpoints.in_forms(job.engine, finding.forms(job.code), ask)


async def explain(attempt: Attempt, asked: Subject) -> None:
    """Looks where the student's run and that of the fix part, for the hints that facts make."""
    if any(fact.kind == PARTING for fact in asked.report.facts):
        return

    def look(checker: Any) -> Any:
        code, fix = attempt.job.code, attempt.fix
        return checker.explain(asked.report, code, asked.tests, asked.limits, reference=fix)

    report = await attempt.runtime.programs.run(look)
    if report is not None and report != asked.report:
        await attempt.runtime.database.run(diagnoses.explained, asked, report)
