"""A hint that this attempt cannot finish: to another engine, or back to wait for this one."""

from __future__ import annotations

import functools
import logging
from time import monotonic
from typing import TYPE_CHECKING

from broker import dispatch, fleet, health
from broker.contract.attempt import Purpose
from broker.contract.hint import State
from broker.contract.job import HintJob, Partial
from broker.health import EngineFailure
from web.engines.client.errors import EngineFailed, ModelError
from workers.attempt.calls import usage
from workers.attempt.ending import write_row
from workers.attempt.rows import ROWS

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

MAX_ENGINES = 3
MAX_CUTS = 2
"""An engine that falls silent or breaks off under a hint gets one successor."""
CUTS = frozenset({EngineFailure.TIMEOUT, EngineFailure.CUT})
log = logging.getLogger(__name__)


async def moved(attempt: Attempt, error: ModelError) -> bool:
    """Whether the hint waits for another attempt now, or is not ours any longer.

    Else it is to end here: the engine refuses it for good, or no other one may try.
    """
    if not isinstance(error, EngineFailed):
        return False
    job, runtime, failure = attempt.job, attempt.runtime, error.failure
    log.warning("hint %s: %s on %s: %s", job.hint, failure, job.engine, error)
    ran_s = monotonic() - attempt.began_s
    cut, limited = failure in CUTS, failure is EngineFailure.RATE_LIMITED
    cuts = earlier_cuts(job) + cut
    if limited:
        # The engine pauses; the hint waits at the head, no worse off, for whoever has it first.
        await runtime.broker.run(health.pause(job.engine, error.retry_after_s, ran_s))
    else:
        await runtime.broker.run(health.failed(job.engine, failure, ran_s))
        if cuts >= MAX_CUTS or not await another(attempt):
            return False
    if await requeue(attempt, left(attempt, cuts) if cut else None, exclude=not limited):
        await runtime.pull_all()
    return True


async def another(attempt: Attempt) -> bool:
    """Whether a live engine is left that this hint has not failed on, and may go to."""
    hint, engine = attempt.job.hint, attempt.job.engine
    loads, excluded = await attempt.runtime.broker.run_many(
        [fleet.snapshot(), dispatch.excluded([hint])]
    )
    tried = {engine, *excluded.get(hint, ())}
    others = [name for name, load in loads.items() if load.alive and name not in tried]
    return bool(others) and len(tried) < MAX_ENGINES


async def interrupted(attempt: Attempt) -> None:
    """The worker is stopped under the hint: it waits again, at the head."""
    partial = left(attempt, earlier_cuts(attempt.job))
    await requeue(attempt, partial if partial.text else None, exclude=False)


async def requeue(attempt: Attempt, partial: Partial | None, *, exclude: bool) -> bool:
    """The row first; False if it was not ours any longer. exclude: not on this engine again."""
    job, runtime = attempt.job, attempt.runtime
    change = functools.partial(ROWS[job.kind].requeue, job.hint, job.attempt, partial)
    if not await runtime.database.run(write_row, attempt, change):
        return False
    attempt.left = State.QUEUED
    # What the gate has let through is told before the next attempt can ask what was shown.
    told = runtime.relay.leave(attempt.outgoing)
    call = dispatch.requeue(job.hint, job.engine, job.attempt, exclude=exclude)
    await runtime.broker.run_many([*told, call])
    return True


def earlier_cuts(job: HintJob) -> int:
    return job.partial.cuts if job.partial else 0


def left(attempt: Attempt, cuts: int) -> Partial:
    """What the next attempt can go on from: of a second turn nothing, it answers another prompt."""
    draft, model = attempt.draft, attempt.job.endpoint.model
    if attempt.rulings:
        return Partial(model=model, cuts=cuts)
    # The engine's own count, where it gave one, is the only one in its tokens.
    asked = [call for call in attempt.calls if call.purpose is Purpose.WRITE][-1:]
    written = 0 if draft.thought else usage(asked).completion_tokens
    tokens = draft.begun_tokens + written
    return Partial(model=model, text=draft.text, tokens=tokens, cuts=cuts)
