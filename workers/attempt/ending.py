"""How an attempt ends: its outcome, the row, the final event, and what staff may read of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from django.db import DatabaseError

from broker.contract import events
from broker.contract.attempt import Ended, Result
from broker.contract.events import EventKind
from broker.contract.hint import Outcome, Reason, State
from broker.contract.job import JobKind
from broker.health import EngineFailure
from web.engines import roster
from web.engines.client.errors import EngineFailed, ModelError, ModelRefused, Refusal
from web.hints import ahead, store
from workers.attempt.calls import Endpoints, usage
from workers.attempt.mishap import passes, where
from workers.attempt.recalling import explained

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

REASONS = {
    EngineFailure.UNREACHABLE: Reason.MODEL_UNAVAILABLE,
    EngineFailure.BUSY: Reason.MODEL_UNAVAILABLE,
    EngineFailure.RATE_LIMITED: Reason.MODEL_UNAVAILABLE,
    EngineFailure.TIMEOUT: Reason.MODEL_TIMEOUT,
    EngineFailure.CUT: Reason.TRUNCATED,
}
log = logging.getLogger(__name__)


def fail(attempt: Attempt, error: ModelError) -> None:
    """The outcome if no other engine may try: withheld where the gate had refused an answer."""
    attempt.error = str(error)
    if isinstance(error, EngineFailed):
        attempt.failure = error.failure
        # The gate has refused an answer before: to the student that is why there is no hint.
        state = State.WITHHELD if attempt.blocked else State.FAILED
        reason = attempt.blocked or REASONS[error.failure]
        attempt.outcome = without_model(attempt, state, reason)
    elif isinstance(error, ModelRefused):
        attempt.error, attempt.refusal = f"{error.cause}: {error}", error.cause
        this = error.cause is Refusal.REQUEST
        reason = Reason.REQUEST_REFUSED if this else Reason.MODEL_REFUSED
        attempt.outcome = without_model(attempt, State.FAILED, reason)


def without_model(attempt: Attempt, state: State, reason: Reason) -> Outcome:
    """The outcome without a text, which the store finds: what the program did may be known late."""
    return Outcome(state=state, reason=reason, usage=usage(attempt.calls))


async def finish(attempt: Attempt) -> None:
    """The row first, then the final event: who sees the event can read the row."""
    outcome, job = attempt.outcome, attempt.job
    if job.kind is JobKind.DIAGNOSIS:
        # What it found out is kept by now; what it did not, nobody has asked for.
        await attempt.runtime.database.run(ahead.drop, job.hint)
        return
    assert outcome is not None, "the steps have left no outcome"
    if outcome.reason:
        # The text without a model tells it, and an engine may refuse sooner than it is found out.
        await explained(attempt)
    change = partial(store.finish, job.hint, job.attempt, outcome)
    if await attempt.runtime.database.run(write_row, attempt, change):
        attempt.left = outcome.state
        attempt.outgoing.put(EventKind.DONE, **events.done_data(outcome.state, outcome.reason))


def write_row(attempt: Attempt, change: Callable[[Ended], bool]) -> bool:
    """Changes the hint's row, and keeps what staff may read; False if another writer came first."""
    seen_s = attempt.screen.seen_s
    told = Ended(
        seen_s=None if seen_s is None else monotonic() - seen_s,
        failure=attempt.failure,
        error=attempt.error,
        calls=attempt.calls,
        kept_diagnosis=attempt.kept_diagnosis,
    )
    try:
        return change(told)
    except Exception as error:
        if passes(error) or not told.calls:
            raise
        # Anything may stand in what a model wrote; that is no reason to do the hint again.
        log.error("hint %s: its model calls are not kept: %s", attempt.job.hint, where(error))
    return change(replace(told, calls=()))


async def learn(attempt: Attempt) -> None:
    """Keeps what the engines' answers taught; else the next hint learns it again."""
    for engine, endpoint in Endpoints(attempt.job).items():
        dialect = attempt.endpoints[engine].dialect
        if dialect == endpoint.dialect:
            continue
        # A warning: an admin may want to set by hand what had to be found out.
        log.warning("engine %s: learned from its answers: %s", engine, dialect)
        try:
            await attempt.runtime.database.run(roster.learn, engine, endpoint, dialect)
        except DatabaseError as error:
            log.warning("engine %s: not kept: %s", engine, error)


def result(attempt: Attempt) -> Result | None:
    """None where the hint was not this attempt's to finish."""
    outcome = attempt.outcome
    if attempt.left is None or outcome is None:
        return None
    return Result(
        hint=attempt.job.hint,
        attempt=attempt.job.attempt,
        engine=attempt.job.engine,
        state=attempt.left,
        reason=outcome.reason,
        calls=len(attempt.calls),
        error=attempt.error,
        refusal=attempt.refusal,
        prompt_tokens=outcome.usage.prompt_tokens,
        completion_tokens=outcome.usage.completion_tokens,
        cached_tokens=outcome.usage.cached_tokens,
    )
