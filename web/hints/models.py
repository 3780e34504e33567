"""A student's programs and hints, and what came of each attempt at a hint."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broker import health
from broker.contract import attempt
from broker.contract import hint as contract
from web.courses.models import Exercise, level_choices
from web.hints import verdicts
from web.tutor.languages import Locale

ERROR_CHARS, MODEL_CHARS = 1000, 200
IN_FLIGHT = (contract.State.QUEUED, contract.State.RUNNING)


class Submission(models.Model):
    """One program of one student for one exercise, with its test report; web.hints.submissions.

    A run that gives the same as the one before, program and report, is the same submission. By its
    fingerprint (web.tutor.evidence.fingerprint) a program is found again whoever else wrote it,
    so that what was found out about it need not be found out twice.
    """

    class Source(models.TextChoices):
        HERE = "here", _("run here")
        PLATFORM = "platform", _("judged by the platform that sent it")

    # The index of a student's programs begins with this column.
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="submissions",
        db_index=False,
        verbose_name=_("student"),
    )
    exercise = models.ForeignKey(
        Exercise, on_delete=models.CASCADE, related_name="submissions", verbose_name=_("exercise")
    )
    code = models.TextField(_("code"))
    fingerprint = models.CharField(_("fingerprint"), max_length=32)
    report: models.JSONField[dict[str, Any]] = models.JSONField(_("test report"))
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.HERE)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["student", "exercise", "-id"], name="submission_last")]

    def __str__(self) -> str:
        return f"{self.pk} · {self.fingerprint[:8]}"


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
        EVIDENCE = contract.Source.EVIDENCE, _("what the program did")
        AUTHORED = contract.Source.AUTHORED, _("author")
        L0 = contract.Source.L0, _("test report")
        NONE = contract.Source.NONE, _("none")

    class Lane(models.TextChoices):
        INTERACTIVE = contract.Lane.INTERACTIVE, _("a student waits")
        BATCH = contract.Lane.BATCH, _("in the background")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="hints",
        verbose_name=_("student"),
    )
    exercise = models.ForeignKey(
        Exercise, on_delete=models.CASCADE, related_name="hints", verbose_name=_("exercise")
    )
    submission = models.ForeignKey(
        Submission,
        on_delete=models.CASCADE,
        related_name="hints",
        verbose_name=_("submission"),
    )
    level = models.PositiveSmallIntegerField(_("level"), choices=level_choices)
    locale: models.CharField[Locale, Locale] = models.CharField(_("language"), max_length=2)
    question = models.TextField(_("question"), blank=True)
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
    verified = models.BooleanField(
        _("verified"),
        null=True,
        help_text=_("Whether a right program stood behind what the AI wrote; of its hints alone."),
    )
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), default=0)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("cached tokens"), default=0)
    charge = models.PositiveSmallIntegerField(
        _("counts as hints by AI"),
        default=0,
        help_text=_("Of the student's quota; 0 once it has ended without a model's text."),
    )
    # From 1 for each student. Of two requests that count the same hints at the same time, both take
    # the same number, so that one is kept out: see web.people.quotas.
    charge_number = models.PositiveIntegerField(null=True, editable=False)

    # By the database's clock, which alone tells how old a hint is: see web.database.ago.
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    # It stays when another attempt goes on: the student has seen first words once.
    first_piece_at = models.DateTimeField(_("first piece"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    idempotency_key = models.CharField(max_length=255, blank=True, editable=False)
    request_hash = models.CharField(max_length=64, editable=False)
    helpful = models.BooleanField(_("helpful"), null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    reflection = models.TextField(_("what the student thinks now"), blank=True)

    class Meta:
        verbose_name = _("hint")
        verbose_name_plural = _("hints")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "created_at"], name="hint_state_created"),
            models.Index(fields=["student", "exercise", "-created_at"], name="hint_history"),
            # The list of all hints, page by page, which no other index has in its order.
            models.Index(fields=["created_at", "id"], name="hint_newest"),
            # A few in a hundred have one, and a rare one is not found by reading all the others.
            models.Index(
                fields=["reason", "created_at"], condition=~Q(reason=""), name="hint_reason"
            ),
        ]
        constraints = [
            # Two clicks at once may reach two processes: only the database sees both.
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
            models.UniqueConstraint(
                fields=["student", "charge_number"],
                condition=Q(charge_number__gt=0),
                name="one_charge_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} · {self.state}"

    @classmethod
    def key(cls, hint: str | uuid.UUID) -> Any:
        """A hint's id as this database keeps it."""
        # SQLite has no type for it, and Django keeps text without dashes there.
        return cls._meta.pk.get_db_prep_value(hint, connection)

    @property
    def final(self) -> bool:
        return contract.State(self.state) in contract.FINAL


class Explanation(models.Model):
    """Why a right program works, in its student's words, for who teaches; web.hints.explanations.

    submission: the program that it is about.
    """

    student = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="explanations",
        db_index=False,
        verbose_name=_("student"),
    )
    exercise = models.ForeignKey(
        Exercise,
        on_delete=models.CASCADE,
        related_name="explanations",
        verbose_name=_("exercise"),
    )
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="+", verbose_name=_("submission")
    )
    text = models.TextField(_("why it works"))
    written_at = models.DateTimeField(_("written"), auto_now=True)

    class Meta:
        verbose_name = _("explanation")
        verbose_name_plural = _("explanations")
        ordering = ["-written_at"]
        constraints = [
            # Its index begins with the student.
            models.UniqueConstraint(
                fields=["student", "exercise"], name="one_explanation_an_exercise"
            )
        ]

    def __str__(self) -> str:
        return f"{self.student_id} · {self.exercise_id}"


class Diagnosis(models.Model):
    """What is wrong with a program, for all who wrote the same; web.hints.diagnoses.

    A row that is not done belongs to an attempt which is finding it out, or waits to run ahead of
    the hints that may be asked for; web.hints.ahead. No page and no API shows it: the fix is what
    no student may see.
    """

    # The constraint's index begins with this column.
    exercise = models.ForeignKey(
        Exercise, on_delete=models.CASCADE, related_name="diagnoses", db_index=False
    )
    revision = models.PositiveIntegerField(_("revision"))
    fingerprint = models.CharField(_("fingerprint"), max_length=32)
    model = models.CharField(_("model name"), max_length=MODEL_CHARS, blank=True)
    template_version = models.CharField(_("template version"), max_length=20, blank=True)
    # The program that it runs ahead for; none where a hint has it found out, or it is done.
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, null=True, related_name="+", editable=False
    )
    asked_at = models.DateTimeField(_("created"), db_default=Now())
    waits = models.BooleanField(default=False)
    began_at = models.DateTimeField(_("started"), db_default=Now())
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    done = models.BooleanField(default=False)
    verified = models.BooleanField(_("every case passes with its fix"), default=False)
    code = models.TextField(_("code"), blank=True)
    fix = models.TextField(_("fix"), blank=True)
    said = models.JSONField(_("finding"), default=dict)

    class Meta:
        verbose_name = _("diagnosis")
        verbose_name_plural = _("diagnoses")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exercise", "revision", "fingerprint", "model"],
                name="one_diagnosis_a_program",
            )
        ]
        # Asked each second, of a table that holds every program that was ever diagnosed.
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(done=False), name="diagnosis_not_done")
        ]

    def __str__(self) -> str:
        return f"{self.fingerprint[:8]} · {self.model}"


class Attempt(models.Model):
    """One claim of a hint; it is open until the hint leaves the state in which it runs."""

    class Failure(models.TextChoices):
        UNREACHABLE = health.EngineFailure.UNREACHABLE, _("the engine was not reached")
        BUSY = health.EngineFailure.BUSY, _("the engine had no room")
        RATE_LIMITED = health.EngineFailure.RATE_LIMITED, _("the engine was asked too often")
        TIMEOUT = health.EngineFailure.TIMEOUT, _("the engine was silent for too long")
        CUT = health.EngineFailure.CUT, _("the engine broke off")

    # The constraint's index begins with this column.
    hint = models.ForeignKey(
        Hint, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.PositiveSmallIntegerField(_("attempt"))
    engine = models.CharField(_("engine"), max_length=50)
    started_at = models.DateTimeField(_("started"), db_default=Now(), db_index=True)
    first_piece_at = models.DateTimeField(_("first piece"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    failure = models.CharField(_("failure"), max_length=20, choices=Failure, blank=True)
    error = models.CharField(_("error"), max_length=ERROR_CHARS, blank=True)
    kept_diagnosis = models.BooleanField(_("diagnosis kept"), default=False, db_default=False)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["hint", "number"], name="one_row_an_attempt")
        ]
        # Words are looked for in errors, of which most attempts have none.
        indexes = [models.Index(fields=["started_at"], condition=~Q(error=""), name="in_an_error")]

    def __str__(self) -> str:
        return f"{self.hint_id} · {self.number}"

    @property
    def first_piece_s(self) -> float | None:
        """Seconds from its start to the first words that the student saw of it."""
        return span_s(self.started_at, self.first_piece_at)

    @property
    def took_s(self) -> float | None:
        return span_s(self.started_at, self.finished_at)

    @property
    def said(self) -> str:
        """The error; in the reader's language where it is a sentence of ours."""
        return gettext(self.error) if self.error else ""


JUDGED_BAD = ~Q(verdict__in=("", attempt.PASSED))


class ModelCall(models.Model):
    """One request to an engine; its text is ungated, for staff alone, and goes after RAW_DAYS."""

    class Purpose(models.TextChoices):
        DIAGNOSE = attempt.Purpose.DIAGNOSE, _("diagnose")
        WRITE = attempt.Purpose.WRITE, _("write")
        JUDGE = attempt.Purpose.JUDGE, _("judge")

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, null=True, related_name="calls")
    # Of a diagnosis that ran ahead, of which there is no attempt at a hint.
    diagnosis = models.ForeignKey(
        Diagnosis, on_delete=models.CASCADE, null=True, related_name="calls"
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    model = models.CharField(_("model name"), max_length=MODEL_CHARS, blank=True)
    template_version = models.CharField(_("template version"), max_length=20, blank=True)
    parameters: models.JSONField[dict[str, Any]] = models.JSONField(_("parameters"), default=dict)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), default=0)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("cached tokens"), default=0)
    verdict = models.CharField(_("verdict"), max_length=20, blank=True)
    fault = models.CharField(_("fault"), max_length=20, blank=True, db_default="", default="")
    probability = models.FloatField(_("probability of a leak"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("model call")
        verbose_name_plural = _("model calls")
        ordering = ["pk"]
        # Retention looks for texts that are left, which only the youngest rows have; the calls of
        # each minute are counted; and a rule may be broken once in a hundred thousand calls.
        indexes = [
            models.Index(fields=["created_at"], condition=~Q(text=""), name="model_call_text"),
            models.Index(fields=["created_at"], name="model_call_made"),
            models.Index(fields=["verdict"], condition=JUDGED_BAD, name="model_call_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} · {self.model}"

    @property
    def came_to(self) -> str:
        """In words; empty where nobody judged what the model wrote."""
        return verdicts.words(self.purpose, self.verdict, self.fault)


def span_s(start: datetime, end: datetime | None) -> float | None:
    """Seconds, if both are known; 0 for an end that another clock puts before the start."""
    return max(0.0, (end - start).total_seconds()) if end else None
