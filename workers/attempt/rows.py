"""The rows behind an attempt, by what its job is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.contract.attempt import Ended
from broker.contract.job import HintJob, JobKind, Partial
from web.hints import ahead, store


@dataclass(frozen=True, slots=True)
class Rows:
    """claim: waiting → running, as the attempt of this number on this engine; requeue: back."""

    claim: Callable[[str, int, str], HintJob | None]
    requeue: Callable[[str, int, Partial | None, Ended], bool]


ROWS = {
    JobKind.HINT: Rows(store.claim, store.requeue),
    JobKind.DIAGNOSIS: Rows(ahead.claim, ahead.requeue),
}
