"""The step that reads what the program did, where that was found out after the hint was claimed."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from web.hints import jobs, lookup

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 0.5
LOOK_S = 0.02


async def recall(attempt: Attempt) -> None:
    """Leaves the facts for who writes: all that the request, or the diagnosis, has found by now."""
    job, ask = attempt.job, attempt.runtime.database.run
    if job.unfit or (job.facts and not attempt.fix):
        return
    # The request that has placed the hint runs the program once more, and tells it a moment later.
    until_s = monotonic() + WITHIN_S
    while await ask(lookup.being_explained, job.hint) and monotonic() < until_s:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
    attempt.facts = await ask(jobs.facts_by_now, job.hint)
