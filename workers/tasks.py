"""The one task, and the runtime it works with."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from celery.exceptions import Ignore

from broker.base.errors import BrokerDown
from broker.queue import TASK
from workers.app import app
from workers.attempt import attempt
from workers.pool.job import AsyncTask
from workers.runtime import Runtime

log = logging.getLogger(__name__)
runtime: Runtime | None = None
"""Set by the pool's start in a worker process."""


@app.task(name=TASK, base=AsyncTask)
async def generate_hint(hint_id: str) -> dict[str, Any]:
    """The fields of a Result. A hint that is not there to be had leaves no trace of this task."""
    assert runtime is not None, "the pool has not started"
    try:
        result = await attempt.generate(runtime, hint_id)
    except BrokerDown as error:
        log.warning("hint %s: left to rescue: %s", hint_id, error)
        raise Ignore from error
    if result is None:
        raise Ignore
    return asdict(result)
