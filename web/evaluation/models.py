"""An evaluation of a model, the programs that it is about, and a row for each thing it is asked."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from web.courses.models import Course, Exercise, level_choices
from web.engines.models import Mode
from web.hints.models import MODEL_CHARS, Submission
from web.tutor.languages import Locale

NAME_CHARS = 200
LATELY = "last"
"""How the name of a set begins that is made of requests of the last days."""


class Evaluation(models.Model):
    """One model on one set of programs. What has a result is never asked again.

    model, template_version: as a licence has them. digest: of the set. texts: of the labelled texts
    and the judge's question about them. course: its exercises and
    hints while it runs; hidden, and gone when it is done. threshold: at which its judge blocks no
    more good hints than it may. figures: as web.evaluation.figures makes them, when it is done.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("in progress")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    engine = models.CharField(_("engine"), max_length=50)
    kind = models.CharField(max_length=5, choices=Mode)
    model = models.CharField(_("model name"), max_length=MODEL_CHARS)
    template_version = models.CharField(_("template version"), max_length=60)
    set_name = models.CharField(_("set"), max_length=NAME_CHARS)
    digest = models.CharField(max_length=32)
    texts = models.CharField(max_length=32, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    error = models.CharField(_("why it stopped"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("started"), db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # NULL where a command made it, or its user is deleted.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, verbose_name=_("by")
    )
    course = models.ForeignKey(
        Course, null=True, on_delete=models.SET_NULL, related_name="evaluations", editable=False
    )
    threshold = models.FloatField(null=True, blank=True)
    figures: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.pk} · {self.model} · {self.set_name}"


class Program(models.Model):
    """A wrong program of a set. fix: put right, if the set knows how. submission: once it was run.

    A set of real requests holds what students wrote, so code and question go when all is done.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="programs")
    name = models.CharField(max_length=NAME_CHARS)
    exercise = models.ForeignKey(Exercise, null=True, on_delete=models.SET_NULL, related_name="+")
    submission = models.ForeignKey(
        Submission, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    code = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    question = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One thing that is asked. name: of the labelled text, or of the program.

    leak: of a judge's item, its label; of a written hint, whether it is one as far as the set's own
    fix and the judge tell. hint: that was made for it. verdict: `passed`, `leak` or `undecided` of
    a judge; `verified` or `unverified` of a diagnosis; of a written hint `shown`, `refused`, or
    `failed` where no model answered. rule: that blocked the first answer, or the reason of a
    failure. contradicted: what the text says against what the program did.
    """

    class Kind(models.TextChoices):
        JUDGE = "judge", _("judge")
        DIAGNOSE = "diagnose", _("diagnose")
        WRITE = "write", _("write")

    class State(models.TextChoices):
        OPEN = "open"
        ASKED = "asked"
        DONE = "done"

    # The constraint's index begins with this column.
    evaluation = models.ForeignKey(
        Evaluation, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=5, choices=State, default=State.OPEN)
    program = models.ForeignKey(
        Program, null=True, on_delete=models.CASCADE, related_name="items", editable=False
    )
    name = models.CharField(max_length=NAME_CHARS)
    level = models.PositiveSmallIntegerField(choices=level_choices, default=0)
    locale: models.CharField[Locale, Locale] = models.CharField(max_length=2, blank=True)
    # No foreign key: the hint goes when all is done, and what is known of it stays.
    hint = models.UUIDField(null=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    leak = models.BooleanField(null=True)
    verdict = models.CharField(max_length=20, blank=True)
    rule = models.CharField(max_length=30, blank=True)
    probability = models.FloatField(null=True)
    # Of a judge's answer, before the wording of the text was weighed.
    alone = models.FloatField(null=True)
    contradicted: models.JSONField[list[str]] = models.JSONField(default=list)
    repeats = models.BooleanField(default=False)
    words = models.PositiveIntegerField(null=True)
    grade = models.FloatField(null=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True)
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["evaluation", "state", "kind"], name="item_open"),
            # Retention looks for texts that are still there.
            models.Index(fields=["created_at"], condition=~Q(text=""), name="evaluation_text"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation", "kind", "name", "level", "locale"], name="one_item_a_question"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.name}"
