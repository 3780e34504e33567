"""Celery's consumer, which comes back to Redis soon after Redis has come back."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

RETRY_S = 1.0
MOST_RETRY_S = 2.0
"""Celery's own pause grows to 30 s, three times as long as a grant waits for its worker."""


class ReconnectingConsumer(Consumer):
    """The setting worker_consumer names it."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=RETRY_S, interval_max=MOST_RETRY_S
        )
        return super().ensure_connected(conn)
