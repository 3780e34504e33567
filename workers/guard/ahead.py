"""Makes good what was lost of diagnoses that run ahead, and ends those that nobody needs."""

from __future__ import annotations

import logging

from broker import dispatch
from broker.base.times import UNKNOWN_S
from broker.connect import AsyncBroker
from broker.dispatch import LOST_THRESHOLD, Expired
from web.hints import ahead
from workers import metrics
from workers.database import Database

log = logging.getLogger(__name__)


async def tend(broker: AsyncBroker, database: Database) -> None:
    """Ends those that are over, and has the dispatcher know all others."""
    for job in await database.run(ahead.over):
        await broker.run(dispatch.forget(job))
    jobs = await database.run(ahead.in_flight, UNKNOWN_S)
    known = await broker.run(dispatch.known(jobs)) if jobs else set()
    for job in jobs:
        ticket = None if job in known else await database.run(ahead.requeue_unknown, job)
        if ticket is not None:
            await broker.run(dispatch.admit(ticket))


async def recover(broker: AsyncBroker, database: Database, lease: Expired) -> None:
    """Its worker is lost: it waits again, the row first, unless it may be what kills workers."""
    waits = await database.run(ahead.requeue, lease.hint, lease.attempt)
    metrics.LEASE_EXPIRED.inc()
    log.warning("%s: attempt %d lost on %s", lease.hint, lease.attempt, lease.engine)
    if waits and lease.lost < LOST_THRESHOLD:
        await broker.run(dispatch.requeue_lost(lease.hint, lease.attempt))
        return
    await database.run(ahead.drop, lease.hint)
    await broker.run(dispatch.forget(lease.hint))
