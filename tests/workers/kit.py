"""An attempt at a hint with neither a dispatcher nor a database behind it."""

from __future__ import annotations

from typing import Any

from broker.contract.events import Event, EventId, EventKind
from broker.contract.job import HintJob
from broker.dispatch import Claim
from web.engines.client.errors import ModelError
from workers.attempt.attempt import Attempt
from workers.attempt.ending import fail
from workers.attempt.relay import Outgoing
from workers.attempt.screen import take_over
from workers.attempt.write import write
from workers.runtime import Runtime


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
