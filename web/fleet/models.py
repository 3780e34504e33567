"""What the fleet did, minute by minute."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


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
