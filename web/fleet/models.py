"""What the fleet did, minute by minute, and what it cost, day by day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from web.engines.models import Engine


def money(label: Any, **more: Any) -> models.DecimalField[Any, Any]:
    """An amount of at most a hundred million, to a hundredth of a hundredth."""
    at_least = [MinValueValidator(Decimal(0))]
    return models.DecimalField(label, max_digits=12, decimal_places=4, validators=at_least, **more)


class Minute(models.Model):
    """One minute of the whole fleet, for the charts; web.fleet.minutes writes and reads it.

    A row never changes, and a day has 1,440: what a chart shows of many is worked out when it is
    asked for.
    """

    # Unique, so that of two nodes that both take themselves for the one that leads, one writes it.
    began_at = models.DateTimeField(_("began"), unique=True)
    figures: models.JSONField[dict[str, Any]] = models.JSONField(_("figures"))

    class Meta:
        verbose_name = _("minute of the fleet")
        verbose_name_plural = _("minutes of the fleet")
        ordering = ["began_at"]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"


class Price(models.Model):
    """What an engine takes for a million tokens; of one without a row nobody knows it.

    cached: for those read that were in its cache; None: as for any other.
    """

    engine = models.OneToOneField(Engine, on_delete=models.CASCADE, verbose_name=_("engine"))
    read = money(_("price of a million tokens read"))
    cached = money(_("of a million tokens read from the cache"), null=True, blank=True)
    written = money(_("price of a million tokens written"))

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")

    def __str__(self) -> str:
        return f"{self.engine} · {self.read} / {self.written}"


class Budget(models.Model):
    """One row: what all models may cost in a calendar month before people are warned."""

    currency = models.CharField(
        _("currency"), max_length=3, default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}\Z", _("Write three letters, such as KRW."))],
    )  # fmt: skip
    a_month = money(_("budget of a month"), null=True, blank=True)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")

    def __str__(self) -> str:
        return f"{self.a_month} {self.currency}"

    @classmethod
    def current(cls) -> Budget:
        return cls.objects.get_or_create(pk=1)[0]


class Cost(models.Model):
    """The model calls of one day that are alike; web.fleet.costs counts them.

    engine, course: names, so that what was spent is still known when either is gone. level: 0 for
    a diagnosis that ran ahead. unpriced: tokens of an engine that had no price then.
    """

    day = models.DateField(_("day"))
    engine = models.CharField(_("engine"), max_length=50)
    course = models.CharField(_("course"), max_length=50)
    level = models.PositiveSmallIntegerField(_("level"))
    purpose = models.CharField(_("purpose"), max_length=10)
    calls = models.PositiveBigIntegerField(default=0)
    read = models.PositiveBigIntegerField(default=0)
    cached = models.PositiveBigIntegerField(default=0)
    written = models.PositiveBigIntegerField(default=0)
    unpriced = models.PositiveBigIntegerField(default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=8, default=0)

    class Meta:
        verbose_name = _("cost")
        verbose_name_plural = _("costs")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "engine", "course", "level", "purpose"], name="one_cost_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} · {self.engine} · {self.course}"


class Tally(models.Model):
    """How many hints of a course ended on a day, by who wrote them.

    kept_diagnoses: how many of their attempts found what is wrong with the program found out.
    """

    day = models.DateField(_("day"))
    course = models.CharField(_("course"), max_length=50)
    source = models.CharField(_("source"), max_length=10)
    hints = models.PositiveBigIntegerField(default=0)
    kept_diagnoses = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(fields=["day", "course", "source"], name="one_tally_a_source")
        ]

    def __str__(self) -> str:
        return f"{self.day} · {self.course} · {self.source}"
