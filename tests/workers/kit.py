"""Hints of the database to attempt, and attempts with neither it nor a dispatcher behind them."""

from __future__ import annotations

from typing import Any

from broker import dispatch
from broker.contract.events import Event, EventId, EventKind
from broker.contract.job import HintJob
from broker.dispatch import Claim, Placement
from tests.web.kit import WRONG, forget, queued
from web.courses.models import Exercise
from web.engines.client.errors import ModelError
from web.hints import jobs, submissions
from web.hints.models import Hint, Submission
from web.link import broker
from web.people.models import User
from web.runner.checker import checker
from workers.attempt.attempt import Attempt
from workers.attempt.ending import fail
from workers.attempt.relay import Outgoing
from workers.attempt.screen import take_over
from workers.attempt.write import write
from workers.runtime import Runtime


def submitted(student: User, exercise: Exercise, code: str = WRONG) -> Submission:
    """A program that was run."""
    report = checker().check(code, exercise.tests_to_run(), exercise.limits())
    return submissions.keep(submissions.ran(student, exercise, code, report))


def placed(student: User, exercise: Exercise, **changes: Any) -> str:
    """A hint as the API leaves it: granted where a slot is free. changes: of the NewHint."""
    hint = queued(student, exercise, **changes)
    admitted(hint)
    return str(hint.pk)


def admitted(hint: Hint) -> Placement:
    """As the web places it, whose process is another: a worker knows nothing of what it has read
    of the engines."""
    placement = broker().run(dispatch.admit(jobs.ticket(hint)))
    forget()
    return placement


def claimed(job: HintJob, model: Any) -> Attempt:
    """Before its first step."""
    runtime = Runtime(job.engine, f"{job.engine}@test", 1)
    runtime.model = model
    return Attempt(runtime, job, Claim(job.attempt, "cold", 0))


async def written(job: HintJob, model: Any, shown: str | None = "") -> Attempt:
    """After its last step. shown: by earlier attempts."""
    attempt = claimed(job, model)
    take_over(attempt, shown)
    try:
        await write(attempt)
    except ModelError as error:
        fail(attempt, error)
    return attempt


def to_be_sent(outgoing: Outgoing) -> list[Event]:
    """What watchers of an attempt that has sent nothing yet are to be told."""
    call = outgoing.call()
    if call is None:
        return []
    flat = [str(part) for part in call.args[6:]]
    told = enumerate(zip(flat[::2], flat[1::2], strict=True), start=1)
    return [
        Event(EventId(outgoing.attempt, seq), EventKind(kind), data) for seq, (kind, data) in told
    ]
