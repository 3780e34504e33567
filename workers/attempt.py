"""One claimed attempt from the doorbell to the freed slot."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any

from django.conf import settings

from broker import dispatch, fleet
from broker.contract import events
from broker.contract.events import Kind
from broker.contract.hint import Outcome, State, fallback
from broker.contract.job import HintJob
from broker.errors import BrokerDown
from web.hints import store
from workers import pipeline, telemetry
from workers.pipeline import Elsewhere, Record
from workers.relay import Feed
from workers.runtime import Runtime

MAX_ENGINES = 3
log = logging.getLogger(__name__)
Result = dict[str, Any]


async def generate(runtime: Runtime, hint: str) -> Result | None:
    """The task's result, small and without any text; None if the hint was not ours to finish."""
    attempt = await runtime.broker.run(dispatch.claim(hint, runtime.engine))
    if attempt is None:
        return None
    job = await runtime.database.run(store.claim, hint, attempt, runtime.engine)
    if job is None:
        await runtime.settle(hint, attempt, None)
        return None
    return await telemetry.attempt(job, serve(runtime, job))


async def serve(runtime: Runtime, job: HintJob) -> Result | None:
    """Runs the pipeline under its lease; whatever happens, the slot is free afterwards."""
    started_s = monotonic()
    record = Record()
    service_s: float | None = None

    def stop() -> None:
        work.cancel()

    feed = runtime.relay.open(job.hint, job.attempt, job.student, stop)
    work = asyncio.create_task(pipeline.run(job, runtime.model, feed, record))
    runtime.hold(job.hint, job.attempt, feed.refused)
    try:
        ending = await work
        if isinstance(ending, Elsewhere):
            return await move(runtime, job, feed, record, ending)
        service_s = monotonic() - started_s
        return await finish(runtime, job, feed, record, ending)
    except asyncio.CancelledError:
        if feed.closed:
            return None  # taken back by the student, or another attempt owns it now
        await interrupted(runtime, job)
        raise
    finally:
        work.cancel()
        runtime.relay.close(feed)
        await runtime.settle(job.hint, job.attempt, service_s)


async def finish(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, outcome: Outcome
) -> Result | None:
    """The row first, then the final event: who sees the event can read the row."""
    if not await runtime.database.run(write, job, outcome, record):
        return None
    feed.put(Kind.DONE, **events.done_data(outcome.state, outcome.reason))
    try:
        await runtime.relay.flush([feed])
    except BrokerDown as error:
        log.warning("hint %s: final event not sent: %s", job.hint, error)
    return result(job, record, outcome.state, outcome.reason)


def write(job: HintJob, outcome: Outcome, record: Record) -> bool:
    """What the attempt came to, for the student and for staff."""
    if not store.finish(job.hint, job.attempt, outcome, record.first_piece_at):
        return False
    if settings.RAW_DAYS:
        for turn in record.turns:
            store.keep_raw(job.hint, job.attempt, turn.number, turn.text, turn.verdict.rule or "")
    return True


async def move(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, ending: Elsewhere
) -> Result | None:
    """To another engine if there is one; else the hint ends with what its author wrote."""
    log.warning("hint %s: %s on %s: %s", job.hint, ending.reason, job.engine, record.error)
    loads = await runtime.broker.run(fleet.snapshot())
    engines = sum(load.slots > 0 for load in loads.values())
    if job.attempt >= min(MAX_ENGINES, engines):
        outcome = fallback(State.FAILED, ending.reason, job.authored, job.l0, record.usage)
        return await finish(runtime, job, feed, record, outcome)
    if await runtime.database.run(store.requeue, job.hint, job.attempt):
        call = dispatch.give_back(job.hint, job.engine, job.attempt, exclude=True)
        await runtime.publish(await runtime.broker.run(call))
        await runtime.pull_all()
    return result(job, record, State.QUEUED, ending.reason)


async def interrupted(runtime: Runtime, job: HintJob) -> None:
    """The worker is stopped under the hint: it waits again, at the head."""
    if await runtime.database.run(store.requeue, job.hint, job.attempt):
        call = dispatch.give_back(job.hint, job.engine, job.attempt, exclude=False)
        await runtime.publish(await runtime.broker.run(call))


def result(job: HintJob, record: Record, state: State, reason: str | None) -> Result:
    usage = record.usage
    return {
        "hint": job.hint,
        "attempt": job.attempt,
        "engine": job.engine,
        "state": state,
        "reason": reason,
        "turns": len(record.turns),
        "error": record.error,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
    }
