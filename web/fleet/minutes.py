"""The fleet's last minutes: written once each is over, and read for a chart.

Of a minute there is what was seen of the dispatcher each second, and what the rows of hints and
model calls tell. Times to the first words are kept as counts by length, so that those of many
minutes are put together without an error that matters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, QuerySet, Sum
from django.utils.timezone import localdate

from broker.contract.attempt import PASSED, Purpose
from broker.contract.hint import State
from web.fleet import costs
from web.fleet.models import Minute
from web.hints.lookup import BATCH_TTL_FACTOR
from web.hints.models import Hint, ModelCall

MINUTE = timedelta(minutes=1)
STEPS_S = [round(0.1 * 1.2**step, 3) for step in range(44)]
"""Upper bounds of the lengths that are counted, 0.1 s to 4 minutes; each a fifth above the last."""
ENDED = (State.ANSWERED, State.WITHHELD, State.FAILED)


@dataclass(frozen=True, slots=True)
class EngineSample:
    """in_flight: hints; limit: most of them; cached: share of prompts in its cache, 0 to 1."""

    in_flight: int
    limit: int
    cached: float | None = None


@dataclass(frozen=True, slots=True)
class FleetSample:
    """The dispatcher at one moment. oldest_s: how long the oldest of the backlog has waited."""

    backlog: int
    oldest_s: float
    engines: Mapping[str, EngineSample]


MOST_MISSED = 60


def missed(number: int) -> list[int]:
    """The first minutes before this one, from the last that was written on, that nobody wrote.

    Without a node nothing is asked of a model, so that the later ones of a long gap are empty.
    """
    began = datetime.fromtimestamp(60 * number, UTC)
    last = Minute.objects.filter(began_at__lt=began).aggregate(Max("began_at"))["began_at__max"]
    if last is None:
        return []
    after = round(last.timestamp()) // 60 + 1
    return [*range(after, min(number, after + MOST_MISSED))]


def keep(number: int, samples: Sequence[FleetSample] = ()) -> None:
    """Writes a minute that is over, unless another node has. number: minutes since 1970.

    Of a minute without samples only the rows tell.
    """
    began = datetime.fromtimestamp(60 * number, UTC)
    if Minute.objects.filter(began_at=began).exists():
        return
    row = Minute(began_at=began, figures=figures(began, samples))
    # Both or neither, so that no minute is counted twice.
    with suppress(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
        costs.count(localdate(began), calls(began), ended(began))


def figures(began: datetime, samples: Sequence[FleetSample]) -> dict[str, Any]:
    """Of one minute: backlog, oldest_s, first, ended, refused, and engines by name.

    first: hints by their step of STEPS_S; ended: hints by source; refused: answers by rule.
    """
    engines = seen(samples)
    for name, used in tokens(began).items():
        engines.setdefault(name, {}).update(used)
    return {
        "backlog": round(fmean(each.backlog for each in samples), 1) if samples else None,
        "oldest_s": round(max(each.oldest_s for each in samples), 1) if samples else None,
        **hints(began),
        "refused": refusals(began),
        "engines": engines,
    }


def seen(samples: Sequence[FleetSample]) -> dict[str, dict[str, Any]]:
    names = {name for each in samples for name in each.engines}
    found = {}
    for name in sorted(names):
        of_engine = [each.engines[name] for each in samples if name in each.engines]
        cached = [each.cached for each in of_engine if each.cached is not None]
        found[name] = {
            "in_flight": round(fmean(each.in_flight for each in of_engine), 2),
            "limit": round(fmean(each.limit for each in of_engine), 1),
            "cached": round(fmean(cached), 3) if cached else None,
        }
    return found


def hints(began: datetime) -> dict[str, dict[str, int]]:
    """Those that ended in this minute, by source; and of these, by when they showed words."""
    sources, first = Counter[str](), Counter[str]()
    rows = ended(began).values_list("source", "created_at", "first_piece_at")
    for source, asked, words in rows:
        sources[source] += 1
        if words is not None:
            first[str(bisect_left(STEPS_S, (words - asked).total_seconds()))] += 1
    return {"ended": dict(sources), "first": dict(first)}


def ended(began: datetime) -> QuerySet[Hint]:
    # No index has the end of a hint, but the one of states has its beginning.
    longest = timedelta(seconds=(BATCH_TTL_FACTOR + 1) * settings.HINT_TTL_S)
    return Hint.objects.filter(
        state__in=ENDED, created_at__gt=began - longest, created_at__lt=began + MINUTE,
        finished_at__gte=began, finished_at__lt=began + MINUTE,
    )  # fmt: skip


def refusals(began: datetime) -> dict[str, int]:
    """Answers that a rule, or the judge, refused."""
    rows = calls(began).filter(purpose=Purpose.WRITE).exclude(verdict__in=("", PASSED))
    return dict(rows.order_by().values_list("verdict").annotate(Count("pk")))


def tokens(began: datetime) -> dict[str, dict[str, int]]:
    """By engine. Of diagnoses that ran ahead nobody keeps the engine: they are not counted."""
    rows = calls(began).filter(attempt__isnull=False).order_by().values_list("attempt__engine")
    sums = rows.annotate(Sum("completion_tokens"), Sum("prompt_tokens"), Sum("cached_tokens"))
    return {
        name: {"written": written, "read": read, "read_cached": cached}
        for name, written, read, cached in sums
    }


def calls(began: datetime) -> QuerySet[ModelCall]:
    return ModelCall.objects.filter(created_at__gte=began, created_at__lt=began + MINUTE)


def length_s(counts: Mapping[int, int], share: float) -> float | None:
    """The length below which this share of the hints is, in s; None for none.

    Within a step the hints count as spread evenly, so it is off by a tenth at most.
    """
    total, below = sum(counts.values()), 0
    bounds = [0.0, *STEPS_S, 2 * STEPS_S[-1]]
    for step, (low, high) in enumerate(pairwise(bounds)):
        here = counts.get(step, 0)
        if here and below + here >= share * total:
            return round(low + (high - low) * (share * total - below) / here, 2)
        below += here
    return None
