"""Kinds of columns that rows of engines and of the AI mode are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from web.engines.keys import KeyField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def key_field() -> Any:
    """A key encrypted at rest: str, Unreadable, or None; the field stores an empty one as NULL."""
    return KeyField(_("API key"), max_length=500, blank=True, null=True, default=None)


def url_field(label: StrOrPromise, **more: Any) -> models.CharField[str, str]:
    """Address of a server; not a URLField, which refuses `http://gpu0:8000`: no dot in the host."""
    valid = RegexValidator(
        r"^https?://[\w.:\[\]-]+(/\S*)?\Z", _("Write a URL such as http://gpu0:8000/v1.")
    )
    return models.CharField(label, max_length=200, validators=[valid], **more)


def seconds(label: StrOrPromise, default: float, high: float) -> models.FloatField[float, float]:
    """A time-out in seconds, 0.5 to high."""
    limits = [MinValueValidator(0.5), MaxValueValidator(high)]
    return models.FloatField(label, default=default, validators=limits)
