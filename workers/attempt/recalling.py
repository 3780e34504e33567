"""What the program did, where that is found out after the hint was claimed."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from web.hints import jobs, lookup

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 0.5
LOOK_S = 0.02


async def recall(attempt: Attempt) -> None:
    """Leaves the facts for who writes: all that the request, or the diagnosis, has found by now."""
    job = attempt.job
    if job.unfit or not (job.explaining or attempt.fix):
        return
    await explained(attempt, WITHIN_S)
    attempt.facts = await attempt.runtime.database.run(jobs.facts_by_now, job.hint)


async def explained(attempt: Attempt, within_s: float = inf) -> None:
    """Lets the request that has placed the hint find it out: it runs the program once more."""
    ask, until_s = attempt.runtime.database.run, monotonic() + within_s
    # By another process, and a moment later.
    while await ask(lookup.being_explained, attempt.job.hint) and monotonic() < until_s:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
