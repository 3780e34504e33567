"""What models cost: counted a minute at a time by day, and put together for whoever asks.

A call costs what its engine's price was when it was made: a later price changes no past bill.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.timezone import localdate

from broker.contract.attempt import Purpose
from broker.contract.hint import Source
from web.courses.models import Course
from web.fleet.models import Budget, Cost, Price, Tally
from web.hints.models import Hint, ModelCall
from web.people import quotas

MILLION = Decimal(1_000_000)
WARNS_AT = 0.8
"""From this share of a budget on people are warned; 0 to 1."""
OF_HINT = "attempt__hint__exercise__course__slug"
OF_DIAGNOSIS = "diagnosis__exercise__course__slug"
SUMS = ("calls", "read", "cached", "written", "unpriced", "amount")


def count(day: date, calls: QuerySet[ModelCall], ended: QuerySet[Hint]) -> None:
    """Adds those of one minute; the caller sees to it that no minute is counted twice."""
    prices = {price.engine.name: price for price in Price.objects.select_related("engine")}
    kinds = ("attempt__engine", OF_HINT, OF_DIAGNOSIS, "attempt__hint__level", "purpose")
    groups = calls.order_by().values_list(*kinds).annotate(
        Count("pk"), Sum("prompt_tokens"), Sum("cached_tokens"), Sum("completion_tokens")
    )  # fmt: skip
    for engine, course, ahead, level, purpose, number, read, cached, written in groups:
        # What ran ahead of all hints has neither an engine that is known, nor a level.
        price = prices.get(engine or "")
        # A server may count more from its cache than it was sent.
        sums = {"calls": number, "read": read, "cached": min(cached, read), "written": written}
        sums["amount"] = amount(price, **sums) if price else 0
        sums["unpriced"] = 0 if price else read + written
        row, _ = Cost.objects.get_or_create(
            day=day, engine=engine or "", course=course or ahead or "", level=level or 0,
            purpose=purpose,
        )  # fmt: skip
        Cost.objects.filter(pk=row.pk).update(**{name: F(name) + sums[name] for name in SUMS})
    spared = Count("attempts", filter=Q(attempts__kept_diagnosis=True))
    hints = ended.order_by().values_list("exercise__course__slug", "source").annotate(
        number=Count("pk", distinct=True), kept=spared
    )  # fmt: skip
    for course, source, number, kept in hints:
        tally, _ = Tally.objects.get_or_create(day=day, course=course, source=source)
        Tally.objects.filter(pk=tally.pk).update(
            hints=F("hints") + number, kept_diagnoses=F("kept_diagnoses") + kept
        )


def amount(price: Price, *, read: int, cached: int, written: int, calls: int) -> Decimal:
    """cached: of those read. calls cost nothing by themselves."""
    of_cached = price.read if price.cached is None else price.cached
    total: Decimal = (read - cached) * price.read + cached * of_cached + written * price.written
    return (total / MILLION).quantize(Decimal("1e-8"))


@dataclass(frozen=True, slots=True)
class Bill:
    """What was used by one of what is compared."""

    name: Any
    calls: int
    read: int
    cached: int
    written: int
    unpriced: int
    amount: Decimal

    @property
    def tokens(self) -> int:
        return self.read + self.written


def bills(since: date, by: str) -> list[Bill]:
    """From this day on, the largest first. by: a column of Cost."""
    rows = Cost.objects.filter(day__gte=since).order_by().values(by)
    found = [
        Bill(name=row[by], **{name: row[f"sum_{name}"] for name in SUMS})
        for row in rows.annotate(**{f"sum_{name}": Sum(name) for name in SUMS})
    ]
    return sorted(found, key=lambda each: (each.amount, each.tokens), reverse=True)


def daily(since: date) -> dict[str, list[float]]:
    """day: seconds since 1970, of each from the first to today; amount, tokens."""
    rows = Cost.objects.filter(day__gte=since).order_by().values_list("day")
    sums = {
        day: (float(cost), read + written)
        for day, cost, read, written in rows.annotate(Sum("amount"), Sum("read"), Sum("written"))
    }
    days = [since + timedelta(days=n) for n in range((localdate() - since).days + 1)]
    return {
        # A chart's axis is of seconds; the browser reads them as UTC, whose days all are as long.
        "day": [(day - date(1970, 1, 1)).days * 86_400 for day in days],
        "amount": [sums.get(day, (0.0, 0))[0] for day in days],
        "tokens": [sums.get(day, (0.0, 0))[1] for day in days],
    }


@dataclass(frozen=True, slots=True)
class Savings:
    """cached_tokens: read from caches; cached_amount: what they would have cost besides.

    evidence: hints that no model wrote; evidence_tokens: what as many of a model's would have
    used, by the mean of those in the same days. diagnoses: attempts that found one kept;
    diagnosis_tokens: what a request each would have used, by the same mean.
    """

    cached_tokens: int
    cached_amount: Decimal
    evidence: int
    evidence_tokens: int
    diagnoses: int
    diagnosis_tokens: int


def savings(since: date, engines: Iterable[Bill], purposes: Iterable[Bill]) -> Savings:
    prices = {price.engine.name: price for price in Price.objects.select_related("engine")}
    # Prices of now: what a cache has saved under earlier ones is not kept.
    used, cached, less = 0, 0, Decimal(0)
    for bill in engines:
        used, cached = used + bill.tokens, cached + bill.cached
        price = prices.get(bill.name)
        if price and price.cached is not None:
            less += bill.cached * (price.read - price.cached) / MILLION
    tallies = Tally.objects.filter(day__gte=since).order_by().values_list("source")
    sums = tallies.annotate(Sum("hints"), Sum("kept_diagnoses"))
    hints = {source: number for source, number, _ in sums}
    written, composed = hints.get(Source.MODEL, 0), hints.get(Source.EVIDENCE, 0)
    kept = sum(each for _source, _number, each in sums)
    found_out = next((each for each in purposes if each.name == Purpose.DIAGNOSE), None)
    return Savings(
        cached_tokens=cached,
        cached_amount=less,
        evidence=composed,
        evidence_tokens=round(composed * used / written) if written else 0,
        diagnoses=kept,
        diagnosis_tokens=round(kept * found_out.tokens / found_out.calls) if found_out else 0,
    )


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Of one budget. share: used of it, above 1 where it is over."""

    name: str
    used: Decimal
    budget: Decimal
    unit: str

    @property
    def share(self) -> float:
        return float(self.used / self.budget) if self.budget else 0.0

    @property
    def tone(self) -> str:
        return "ok" if self.share < WARNS_AT else "warning" if self.share < 1 else "error"


def month() -> BudgetUse | None:
    """Of this calendar month; None without a budget."""
    budget = Budget.current()
    if not budget.a_month:
        return None
    # By the calendar of the site's time zone, as the days of the costs are.
    spent = Cost.objects.filter(day__gte=localdate().replace(day=1)).aggregate(Sum("amount"))
    return BudgetUse("", spent["amount__sum"] or Decimal(0), budget.a_month, budget.currency)


def courses() -> list[BudgetUse]:
    """Of each course whose tokens a day are limited, the fullest first."""
    found = [
        BudgetUse(row.slug, Decimal(quotas.tokens_used(row)), Decimal(row.tokens_a_day or 0), "")
        for row in Course.objects.exclude(tokens_a_day=None)
    ]
    return sorted(found, key=lambda each: each.share, reverse=True)
