"""An attempt as metrics, traces and logs see it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from contextvars import ContextVar
from time import monotonic
from types import TracebackType
from typing import Any

from broker.base import logs, trace
from broker.contract.hint import Lane, State
from broker.contract.job import HintJob
from broker.dispatch import Claim
from workers import metrics
from workers.pool.asynctask import request_of

Result = dict[str, Any]
MOVED = State.QUEUED
"""State in the result of an attempt whose hint goes to another engine."""
UNKNOWN = "unknown"
_claimed: ContextVar[tuple[Claim, float] | None] = ContextVar("_claimed", default=None)
"""The claim of the hint that is served in this context, and its moment by the monotonic clock."""


async def attempt(
    job: HintJob, claim: Claim, serving: Coroutine[Any, Any, Result | None]
) -> Result | None:
    """The result of serving the job, counted; all that is logged below carries the hint's id."""
    logs.note(hint=job.hint, attempt=job.attempt, engine=job.engine)
    _claimed.set((claim, monotonic()))
    again = job.attempt > 1 and job.lane is not Lane.BATCH
    lane = Lane.RETRY if again else job.lane
    metrics.QUEUE_WAIT.labels(lane).observe(max(0, claim.at_ms - claim.since_ms) / 1000)
    outcome = "error"
    try:
        with trace.attempt(job.hint, job.attempt, job.engine):
            result = await serving
        outcome = ended(result)
        return result
    except asyncio.CancelledError:
        outcome = "interrupted"
        raise
    finally:
        metrics.ATTEMPTS.labels(outcome).inc()


def ended(result: Result | None) -> str:
    """The label of an attempt with this result; counts the tokens it tells of."""
    if result is None:
        return "dropped"
    metrics.CACHED_TOKENS.labels(result["engine"]).inc(result["cached_tokens"])
    metrics.PROMPT_TOKENS.labels(result["engine"]).inc(result["prompt_tokens"])
    return "moved" if result["state"] == MOVED else str(result["state"])


class Request:
    """One request to the engine; an async context, so that it stands beside the stream."""

    def __init__(self, engine: str, number: int) -> None:
        """number: of the request within the attempt, from 1: only the first is timed."""
        self._engine, self._timed = engine, number == 1
        self._claimed = _claimed.get()
        self._stack = ExitStack()

    async def __aenter__(self) -> Request:
        self._stack.enter_context(trace.request())
        self._began_s = monotonic()
        # The header of the message that this attempt answers.
        sent_s = getattr(request_of.get(), "sent_s", None)
        if self._timed and self._claimed and sent_s is not None:
            claim, claimed_s = self._claimed
            # Grant and claim by the clock of Redis, what came since by our own.
            waited_s = claim.at_ms / 1000 - sent_s + monotonic() - claimed_s
            metrics.DISPATCH.observe(max(0.0, waited_s))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, where)

    def chunk(self) -> None:
        """To be told of every chunk."""
        if self._timed:
            self._timed = False
            waited_s = monotonic() - self._began_s
            placed = self._claimed[0].placed if self._claimed else UNKNOWN
            metrics.TTFT.labels(self._engine, placed).observe(waited_s)
            trace.event("first chunk")
