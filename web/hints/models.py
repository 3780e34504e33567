"""Hint: one student request and its answer; and the raw text that only staff may read."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from broker.contract import hint as contract
from web.courses.models import Exercise, level_choices
from web.tutor.languages import Locale

IN_FLIGHT = (contract.State.QUEUED, contract.State.RUNNING)


class Hint(models.Model):
    """Written by web.hints.store and nothing else."""

    class State(models.TextChoices):
        QUEUED = contract.State.QUEUED, _("queued")
        RUNNING = contract.State.RUNNING, _("running")
        ANSWERED = contract.State.ANSWERED, _("answered")
        WITHHELD = contract.State.WITHHELD, _("withheld")
        FAILED = contract.State.FAILED, _("failed")
        CANCELLED = contract.State.CANCELLED, _("cancelled")

    class Source(models.TextChoices):
        MODEL = contract.Source.MODEL, _("AI")
        AUTHORED = contract.Source.AUTHORED, _("author")
        L0 = contract.Source.L0, _("test report")
        NONE = contract.Source.NONE, _("none")

    class Lane(models.TextChoices):
        INTERACTIVE = contract.Lane.INTERACTIVE, _("a student waits")
        BATCH = contract.Lane.BATCH, _("in the background")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="hints"
    )
    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="hints")
    level = models.PositiveSmallIntegerField(_("level"), choices=level_choices)
    locale: models.CharField[Locale, Locale] = models.CharField(_("language"), max_length=2)
    code = models.TextField(_("code"))
    question = models.TextField(_("question"), blank=True)
    report: models.JSONField[dict[str, Any]] = models.JSONField(_("test report"))
    prefix = models.CharField(_("prefix key"), max_length=32)
    prefix_tokens = models.PositiveIntegerField(
        _("shared prompt tokens"),
        default=0,
        help_text=_("Estimated; 0: too short to be worth a cache."),
    )
    lane = models.CharField(_("lane"), max_length=12, choices=Lane, default=Lane.INTERACTIVE)

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    engine = models.CharField(_("engine"), max_length=50, blank=True)
    text = models.TextField(_("text"), blank=True)
    partial = models.TextField(
        blank=True,
        editable=False,
        help_text="Ungated text of an attempt that was cut, for the next one to go on from.",
    )
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.NONE)
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), default=0)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("cached tokens"), default=0)

    # By the database's clock, which alone tells how old a hint is: see web.database.ago.
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    first_piece_at = models.DateTimeField(_("first piece"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    idempotency_key = models.CharField(max_length=255, blank=True, editable=False)
    request_hash = models.CharField(max_length=64, editable=False)
    helpful = models.BooleanField(_("helpful"), null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True)

    class Meta:
        verbose_name = _("hint")
        verbose_name_plural = _("hints")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "created_at"], name="hint_state_created"),
            models.Index(fields=["student", "exercise", "-created_at"], name="hint_history"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["student", "exercise"],
                condition=Q(state__in=IN_FLIGHT),
                name="one_hint_in_flight",
            ),
            models.UniqueConstraint(
                fields=["student", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_hint_a_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} · {self.state}"

    @property
    def final(self) -> bool:
        return contract.State(self.state) in contract.FINAL


class RawOutput(models.Model):
    """What a model wrote before the gate, and what the gate said: for staff, HINTLINE_RAW_DAYS."""

    hint = models.ForeignKey(Hint, on_delete=models.CASCADE, related_name="raw_outputs")
    attempt = models.PositiveSmallIntegerField(_("attempt"))
    turn = models.PositiveSmallIntegerField(_("turn"))
    text = models.TextField(_("text"))
    rule = models.CharField(_("blocking rule"), max_length=10, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False, db_index=True)

    class Meta:
        verbose_name = _("raw model output")
        verbose_name_plural = _("raw model output")
        ordering = ["hint", "attempt", "turn"]

    def __str__(self) -> str:
        return f"{self.hint_id} · {self.attempt}.{self.turn} · {self.rule or 'passed'}"
