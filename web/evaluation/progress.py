"""How far an evaluation is, for who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from django.db.models import Count, Q

from web.evaluation.models import Evaluation, Item


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """Items that are done and all there are, together and by kind: judge, write."""

    done: int
    total: int
    kinds: dict[str, tuple[int, int]]

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100

    @property
    def words(self) -> str:
        """Kind by kind, in the reader's language."""
        counts = self.kinds.items()
        return ", ".join(f"{Item.Kind(kind).label} {part}/{of}" for kind, (part, of) in counts)


def progress(row: Evaluation) -> EvaluationProgress:
    """A diagnosis is found out on the way of a hint, and is not counted by itself."""
    # In no order, or the database would count each row by itself.
    rows = row.items.exclude(kind=Item.Kind.DIAGNOSE).order_by().values("kind")
    ended = Count("pk", filter=Q(state=Item.State.DONE))
    counts = rows.annotate(ended=ended, every=Count("pk")).order_by("kind")
    kinds = {each["kind"]: (each["ended"], each["every"]) for each in counts}
    return EvaluationProgress(
        sum(ended for ended, _ in kinds.values()), sum(every for _, every in kinds.values()), kinds
    )


def eta_s(before: EvaluationProgress, now: EvaluationProgress, after_s: float) -> int | None:
    """Seconds that the rest will take at the pace between the two; None if nothing was done."""
    done = now.done - before.done
    return ceil((now.total - now.done) * after_s / done) if done > 0 else None
