"""What the web counts of hints."""

from __future__ import annotations

from prometheus_client import Counter

from broker.base.metrics import REGISTRY
from broker.dispatch import Place

CANCELLED = Counter(
    "hint_cancelled",
    "Hints taken back by their students, by where they were: waiting, granted or claimed.",
    ["stage"],
    registry=REGISTRY,
)


def cancelled(place: Place | None) -> None:
    """Counts one cancel. place: where the dispatcher had the hint; None if it did not know it."""
    CANCELLED.labels(place or "unknown").inc()
