"""The last hour or day of the fleet as series of numbers: what its charts draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import fmean
from typing import Any

from web.fleet.minutes import MINUTE, length_s
from web.fleet.models import Minute

SPANS = {"hour": (60, 1), "day": (288, 5)}
"""By name: how many points, and minutes of each."""
Figures = dict[str, Any]
Series = list[float | None]


def charts(span: str) -> dict[str, Any]:
    """t: seconds since 1970 at which each point begins; then series of as many numbers.

    backlog, oldest_s, first_p50_s, first_p95_s; engines: by name in_flight, limit, tokens_s and
    cached, in percent; ended: hints by source; refused: answers by rule. Of what nothing is known
    is None. span: of SPANS.
    """
    last = Minute.objects.order_by("-began_at").values_list("began_at", flat=True).first()
    return drawn(span, last) if last else {"t": []}


# Every open page asks, and only a new minute changes the answer.
@lru_cache(maxsize=4)
def drawn(span: str, last: datetime) -> dict[str, Any]:
    count, size = SPANS[span]
    # Points begin at whole multiples of their minutes, so that a point keeps its minutes.
    width = size * MINUTE
    end = last - timedelta(minutes=last.minute % size) + width
    start = end - count * width
    points: list[list[Figures]] = [[] for _ in range(count)]
    rows = Minute.objects.filter(began_at__gte=start, began_at__lt=end)
    for began, figures in rows.values_list("began_at", "figures"):
        points[(began - start) // width].append(figures)
    # Means of medians would be no median: the hints of all minutes of a point are counted together.
    first = [counts(point, "first") for point in points]
    # JSON has texts for keys.
    lengths = [{int(step): number for step, number in each.items()} for each in first]
    return {
        "t": [round((start + at * width).timestamp()) for at in range(count)],
        "backlog": [mean(named(point, "backlog")) for point in points],
        "oldest_s": [max(named(point, "oldest_s"), default=None) for point in points],
        "first_p50_s": [length_s(each, 0.5) for each in lengths],
        "first_p95_s": [length_s(each, 0.95) for each in lengths],
        "engines": {name: engine(points, name) for name in keys(points, "engines")},
        "ended": totals(points, "ended"),
        "refused": totals(points, "refused"),
    }


def engine(points: Sequence[Sequence[Figures]], name: str) -> dict[str, Series]:
    found = [[each["engines"].get(name, {}) for each in point] for point in points]

    def series(value: Callable[[Sequence[Figures]], float | None]) -> Series:
        return [value(point) for point in found]

    return {
        "in_flight": series(lambda point: mean(named(point, "in_flight"))),
        "limit": series(lambda point: mean(named(point, "limit"))),
        "tokens_s": series(written_s),
        "cached": series(cached),
    }


def written_s(point: Sequence[Figures]) -> float | None:
    """Tokens that it wrote a second; 0 where it served and wrote none."""
    # An engine that was not in use then has no figures at all.
    if not any(point):
        return None
    total: int = sum(each.get("written", 0) for each in point)
    return round(total / (60 * len(point)), 1)


def cached(point: Sequence[Figures]) -> float | None:
    """The share of prompts in its cache, in percent: as its metrics say, or its answers."""
    if told := named(point, "cached"):
        return round(100 * fmean(told), 1)
    read = sum(each.get("read", 0) for each in point)
    return (
        round(100 * sum(each.get("read_cached", 0) for each in point) / read, 1) if read else None
    )


def named(point: Iterable[Figures], name: str) -> list[float]:
    return [each[name] for each in point if each.get(name) is not None]


def mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 2) if values else None


def counts(point: Iterable[Figures], name: str) -> Counter[str]:
    total = Counter[str]()
    for each in point:
        total.update(each[name])
    return total


def keys(points: Iterable[Iterable[Figures]], name: str) -> list[str]:
    return sorted({key for point in points for each in point for key in each[name]})


def totals(points: Sequence[Sequence[Figures]], name: str) -> dict[str, Series]:
    """Counts of each point, by what they count; nothing of a point without a minute."""
    sums = [counts(point, name) if point else None for point in points]
    return {
        key: [None if each is None else each[key] for each in sums] for key in keys(points, name)
    }
