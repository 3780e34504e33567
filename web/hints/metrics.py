"""What the web counts of hints."""

from __future__ import annotations

from prometheus_client import Counter

from broker.base.metrics import REGISTRY
from broker.dispatch import Phase

CANCELLED = Counter(
    "hint_cancelled",
    "Hints taken back by their students, by where they were: waiting, granted or claimed.",
    ["stage"],
    registry=REGISTRY,
)


def cancelled(phase: Phase | None) -> None:
    """Counts one cancel. phase: where the dispatcher had the hint; None if it did not know it."""
    CANCELLED.labels(phase or "unknown").inc()
