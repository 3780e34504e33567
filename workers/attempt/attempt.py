"""One claimed attempt from the doorbell to the freed slot."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any

from django.db import DatabaseError

from broker import dispatch, fleet, health, streams
from broker.base.errors import BrokerDown
from broker.contract import events
from broker.contract.attempt import Ended, ModelCall, Purpose
from broker.contract.events import Kind
from broker.contract.hint import Outcome, State
from broker.contract.job import Dialect, HintJob, Partial
from broker.health import Failure
from web.engines import roster
from web.hints import store
from web.tutor.writing import prompt
from workers.attempt import pipeline, telemetry
from workers.attempt.mishap import Broke, passes, where
from workers.attempt.pipeline import Elsewhere, Record
from workers.attempt.relay import Feed
from workers.attempt.screen import Screen
from workers.runtime import Runtime

MAX_ENGINES = 3
MAX_CUTS = 2
"""An engine that falls silent or breaks off under a hint gets one successor."""
CUTS = frozenset({Failure.TIMEOUT, Failure.CUT})
log = logging.getLogger(__name__)
Result = dict[str, Any]


async def generate(runtime: Runtime, hint: str) -> Result | None:
    """The task's result, small and without any text; None if the hint was not ours to finish."""
    claim = await runtime.broker.run(dispatch.claim(hint, runtime.engine, runtime.worker))
    if claim is None:
        return None
    try:
        job = await runtime.database.run(store.claim, hint, claim.attempt, runtime.engine)
    except Exception as error:
        if not passes(error):
            await runtime.call_in(hint, claim.attempt)
            raise Broke(where(error)) from None
        raise
    if job is None:
        await runtime.settle(hint, claim.attempt, None)
        return None
    return await telemetry.attempt(job, claim, serve(runtime, job))


async def serve(runtime: Runtime, job: HintJob) -> Result | None:
    """Runs the pipeline under its lease; whatever happens, the slot is free afterwards.

    Raises: Broke after an exception that nobody expected.
    """
    started_s = monotonic()
    service_s: float | None = None
    broke = False

    def stop() -> None:
        work.cancel()

    feed = runtime.relay.open(job.hint, job.attempt, job.student, stop)
    record = Record(Screen(feed))
    work = asyncio.create_task(generated(runtime, job, feed, record))
    runtime.hold(job.hint, job.attempt, feed.refused)
    try:
        ending = await work
        if isinstance(ending, Elsewhere):
            return await move(runtime, job, feed, record, ending, monotonic() - started_s)
        service_s = monotonic() - started_s
        return await finish(runtime, job, feed, record, ending)
    except asyncio.CancelledError:
        if feed.closed:
            return None  # taken back by the student, or another attempt owns it now
        await interrupted(runtime, job, feed, record)
        raise
    except Exception as error:
        broke = not passes(error)
        if broke:
            raise Broke(where(error)) from None
        raise
    finally:
        work.cancel()
        runtime.relay.close(feed)
        if broke:
            await runtime.call_in(job.hint, job.attempt)
        else:
            await runtime.settle(job.hint, job.attempt, service_s, worked=bool(record.turns))


async def generated(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record
) -> Outcome | Elsewhere:
    """The pipeline's ending; an attempt that goes on from another one knows what that has shown."""
    shown: str | None = ""
    if job.beginning:
        try:
            shown = events.shown(await runtime.broker.run(streams.after(job.hint)))
        except BrokerDown:
            shown = None
    try:
        return await pipeline.run(job, runtime.model, feed, record, shown)
    finally:
        if record.learned not in (None, job.endpoint.dialect):
            await learn(runtime, job, record.learned)


async def learn(runtime: Runtime, job: HintJob, dialect: Dialect) -> None:
    """Keeps what the engine's answers taught; else the next hint learns it again."""
    log.warning("engine %s: learned from its answers: %s", job.engine, dialect)
    try:
        await runtime.database.run(roster.learn, job.engine, job.endpoint, dialect)
    except DatabaseError as error:
        log.warning("engine %s: not kept: %s", job.engine, error)


async def finish(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, outcome: Outcome
) -> Result | None:
    """The row first, then the final event: who sees the event can read the row."""
    if not await runtime.database.run(write, job, outcome, record):
        return None
    feed.put(Kind.DONE, **events.done_data(outcome.state, outcome.reason))
    await flush(runtime, feed)
    return result(job, record, outcome.state, outcome.reason)


async def flush(runtime: Runtime, feed: Feed) -> None:
    """Sends what waits; without a broker watchers miss it, and learn the end from the row."""
    try:
        await runtime.relay.flush([feed])
    except BrokerDown as error:
        log.warning("hint %s: its last events are not sent: %s", feed.hint, error)


def write(job: HintJob, outcome: Outcome, record: Record) -> bool:
    """What the hint came to, for the student and for staff."""
    if not store.finish(job.hint, job.attempt, outcome, ended(record)):
        return False
    keep_calls(job, record)
    return True


def put_back(job: HintJob, record: Record, partial: Partial | None) -> bool:
    """The row waits for another attempt."""
    if not store.requeue(job.hint, job.attempt, partial, ended(record)):
        return False
    keep_calls(job, record)
    return True


def ended(record: Record) -> Ended:
    seen_s = record.screen.seen_s
    return Ended(
        seen_s=None if seen_s is None else monotonic() - seen_s,
        failure=record.failure or "",
        error=record.error,
    )


def keep_calls(job: HintJob, record: Record) -> None:
    """For staff; what cannot be kept is no reason to do the hint again."""
    calls = [
        ModelCall(
            purpose=Purpose.WRITE,
            model=job.endpoint.model,
            template_version=prompt.TEMPLATE_VERSION,
            parameters={},
            usage=turn.usage,
            verdict=turn.verdict.rule or "passed",
            text=turn.text,
        )
        for turn in record.turns
    ]
    try:
        store.keep_calls(job.hint, job.attempt, calls)
    except Exception as error:  # anything may stand in what a model wrote
        log.error("hint %s: its raw text is not kept: %s", job.hint, where(error))


async def move(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, ending: Elsewhere, ran_s: float
) -> Result | None:
    """To another engine if one may try; else the hint ends with what its author wrote."""
    log.warning("hint %s: %s on %s: %s", job.hint, ending.failure, job.engine, record.error)
    if ending.failure is Failure.RATE_LIMITED:
        return await wait_out(runtime, job, feed, record, ending, ran_s)
    await runtime.broker.run(health.failed(job.engine, ending.failure, ran_s))
    cuts = earlier_cuts(job) + (ending.failure in CUTS)
    if cuts >= MAX_CUTS or not await another(runtime, job):
        return await finish(runtime, job, feed, record, ending.ending)
    partial = left(job, record, cuts) if ending.failure in CUTS else None
    if not await back(runtime, job, feed, record, partial, exclude=True):
        return None
    await runtime.pull_all()
    return result(job, record, State.QUEUED, ending.ending.reason)


async def wait_out(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, ending: Elsewhere, ran_s: float
) -> Result | None:
    """The engine pauses; the hint waits at the head, no worse off, for whoever has it first."""
    await runtime.broker.run(health.pause(job.engine, ending.retry_after_s, ran_s))
    if not await back(runtime, job, feed, record, None, exclude=False):
        return None
    await runtime.pull_all()
    return result(job, record, State.QUEUED, ending.ending.reason)


async def another(runtime: Runtime, job: HintJob) -> bool:
    """Whether a live engine is left that this hint has not failed on, and may go to."""
    loads, excluded = await runtime.broker.run_many(
        [fleet.snapshot(), dispatch.excluded([job.hint])]
    )
    tried = {job.engine, *excluded.get(job.hint, ())}
    left = [name for name, load in loads.items() if load.alive and name not in tried]
    return bool(left) and len(tried) < MAX_ENGINES


async def interrupted(runtime: Runtime, job: HintJob, feed: Feed, record: Record) -> None:
    """The worker is stopped under the hint: it waits again, at the head."""
    partial = left(job, record, earlier_cuts(job))
    await back(runtime, job, feed, record, partial if partial.text else None, exclude=False)


async def back(
    runtime: Runtime, job: HintJob, feed: Feed, record: Record, partial: Partial | None,
    *, exclude: bool,
) -> bool:  # fmt: skip
    """Into the line, the row first. exclude: not on this engine again."""
    # What the gate has let through is told before the next attempt asks what was shown.
    await flush(runtime, feed)
    if not await runtime.database.run(put_back, job, record, partial):
        return False
    call = dispatch.give_back(job.hint, job.engine, job.attempt, exclude=exclude)
    await runtime.broker.run(call)
    return True


def earlier_cuts(job: HintJob) -> int:
    return job.partial.cuts if job.partial else 0


def left(job: HintJob, record: Record, cuts: int) -> Partial:
    """What the next attempt can go on from: of a second turn nothing, it answers another prompt."""
    return Partial(
        model=job.endpoint.model,
        text="" if record.turns else "".join(record.writing),
        tokens=0 if record.turns else record.tokens,
        cuts=cuts,
    )


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
        "refusal": record.refusal,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
    }
