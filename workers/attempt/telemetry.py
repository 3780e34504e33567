"""An attempt as metrics, traces and logs see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from broker.base import logs, trace
from broker.contract.attempt import ModelCall, Purpose
from broker.contract.hint import Lane, State
from broker.contract.job import Dialect, JobKind
from workers import metrics
from workers.pool.job import request_of

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt


@contextmanager
def attempt(attempt: Attempt) -> Iterator[None]:
    """Counts the attempt; all that is logged from now on in this task carries the hint's id."""
    job, claim = attempt.job, attempt.claim
    logs.note(hint=job.hint, attempt=job.attempt, engine=job.engine)
    again = job.attempt > 1 and job.lane is not Lane.BATCH
    lane = Lane.RETRY if again else job.lane
    metrics.QUEUE_WAIT.labels(lane).observe(max(0, claim.at_ms - claim.since_ms) / 1000)
    outcome = "error"
    try:
        with trace.attempt(job.hint, job.attempt, job.engine):
            yield
        outcome = label(attempt)
    except asyncio.CancelledError:
        outcome = "interrupted"
        raise
    finally:
        metrics.ENDED[attempt.job.kind].labels(outcome).inc()


def label(attempt: Attempt) -> str:
    """How the attempt ended; of one that ran ahead, the last verdict on what it found."""
    if attempt.left is State.QUEUED:
        return "moved"
    if attempt.job.kind is JobKind.DIAGNOSIS:
        said = [call.verdict for call in attempt.calls if call.verdict]
        return said[-1] if said else "dropped"
    return attempt.left or "dropped"


@contextmanager
def request(attempt: Attempt, engine: str, purpose: Purpose) -> Iterator[Callable[[], None]]:
    """One request to the engine; what it gives is to be called at the first chunk.

    Timed is the first one of each purpose in an attempt.
    """
    claim, began_s = attempt.claim, monotonic()
    # The header of the message that this attempt answers.
    sent_s = getattr(request_of.get(), "sent_s", None)
    if not attempt.calls and sent_s is not None:
        # Grant and claim by the clock of Redis, what came since by our own.
        waited_s = claim.at_ms / 1000 - sent_s + began_s - attempt.began_s
        metrics.DISPATCH.observe(max(0.0, waited_s))
    timed = all(call.purpose is not purpose for call in attempt.calls)
    # The dispatcher places a hint by the prefix of what writes it, and knows no other.
    affinity = claim.affinity if purpose is Purpose.WRITE else "unknown"

    def first_chunk() -> None:
        if timed:
            waited_s = monotonic() - began_s
            metrics.TTFT.labels(engine, affinity, purpose).observe(waited_s)
            trace.event("first chunk")

    with trace.request():
        yield first_chunk


def judged(engine: str, verdict: str) -> None:
    """Counts what a judge has said of a hint."""
    metrics.JUDGED.labels(engine, verdict).inc()


def diagnosed(engine: str, dialect: Dialect, verdict: str) -> None:
    """Counts a program whose diagnosis is over. dialect: as the engine's answers have taught it."""
    form = "words" if "response_format" in dialect.left_out else "schema"
    metrics.DIAGNOSED.labels(engine, form, verdict).inc()


def used(engine: str, call: ModelCall) -> None:
    """Counts the tokens of a request that is over."""
    metrics.CACHED_TOKENS.labels(engine, call.purpose).inc(call.usage.cached_tokens)
    metrics.PROMPT_TOKENS.labels(engine, call.purpose).inc(call.usage.prompt_tokens)
