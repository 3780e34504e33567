"""An attempt as metrics, traces and logs see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from broker.base import logs, trace
from broker.contract.attempt import ModelCall, Purpose
from broker.contract.hint import Lane, State
from workers import metrics
from workers.pool.asynctask import request_of

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

UNKNOWN = "unknown"


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
        outcome = label(attempt.left)
    except asyncio.CancelledError:
        outcome = "interrupted"
        raise
    finally:
        metrics.ATTEMPTS.labels(outcome).inc()


def label(left: State | None) -> str:
    """Of an attempt that left the row like this."""
    if left is None:
        return "dropped"
    return "moved" if left is State.QUEUED else left


class Request:
    """One request to the engine; an async context, so that it stands beside the stream.

    Timed is the first one of each purpose in an attempt.
    """

    def __init__(self, attempt: Attempt, purpose: Purpose) -> None:
        self._attempt, self._purpose = attempt, purpose
        self._timed = all(call.purpose is not purpose for call in attempt.calls)
        self._stack = ExitStack()

    async def __aenter__(self) -> Request:
        self._stack.enter_context(trace.request())
        self._began_s = monotonic()
        # The header of the message that this attempt answers.
        sent_s = getattr(request_of.get(), "sent_s", None)
        if not self._attempt.calls and sent_s is not None:
            # Grant and claim by the clock of Redis, what came since by our own.
            since_claim_s = self._began_s - self._attempt.began_s
            waited_s = self._attempt.claim.at_ms / 1000 - sent_s + since_claim_s
            metrics.DISPATCH.observe(max(0.0, waited_s))
        return self

    async def __aexit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def chunk(self) -> None:
        """To be told of every chunk."""
        if self._timed:
            self._timed = False
            # The dispatcher places a hint by the prefix of what writes it, and knows no other.
            written = self._purpose is Purpose.WRITE
            place = self._attempt.claim.placed if written else UNKNOWN
            waited_s = monotonic() - self._began_s
            metrics.TTFT.labels(self._attempt.job.engine, place, self._purpose).observe(waited_s)
            trace.event("first chunk")


def used(engine: str, call: ModelCall) -> None:
    """Counts the tokens of a request that is over."""
    metrics.CACHED_TOKENS.labels(engine, call.purpose).inc(call.usage.cached_tokens)
    metrics.PROMPT_TOKENS.labels(engine, call.purpose).inc(call.usage.prompt_tokens)
