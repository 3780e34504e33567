"""The people, and the tokens with which their programs come in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from web.people.permissions import FOR_NOBODY

MOST_HINTS = 10_000
"""Of any quota: SQLite would keep a number that PostgreSQL does not."""


class Platform(models.Model):
    """Another site: its tokens act for its own users, and write exercises, in its courses alone.

    slug: begins the names of its users, so it stays as it is. most_users: who are made at first
    sight; a program that goes wrong could make any number.
    """

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    courses = models.ManyToManyField(
        "courses.Course", blank=True, related_name="platforms", verbose_name=_("courses")
    )

    most_users = models.PositiveIntegerField(
        _("most users"),
        default=10_000,
        help_text=_("Beyond that nobody new is made; those who are there go on."),
    )

    class Meta:
        verbose_name = _("platform")
        verbose_name_plural = _("platforms")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class User(AbstractUser):
    """A student, teacher or admin. Django cannot exchange the user model later: it is ours now.

    platform: whose user this is, as whom only its tokens come in; None for a person of this site.
    duty: in operations, whatever else somebody is; what it lets them do, `permissions` says.
    leaves_at: when the account is deleted, as its student wants; None for who stays.
    """

    class Duty(models.TextChoices):
        NONE = "", _("none")
        VIEWER = "viewer", _("sees everything but students' words")
        OPS = "ops", _("runs everything")

    platform = models.ForeignKey(
        Platform,
        # A click on a platform must not take all that its users ever asked with it.
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="users",
        verbose_name=_("platform"),
    )
    duty = models.CharField(
        _("duty in operations"), max_length=10, choices=Duty, blank=True, default=Duty.NONE
    )
    leaves_at = models.DateTimeField(_("is deleted"), null=True, editable=False)

    def check_password(self, raw_password: str | None) -> bool:
        """Django's; nobody signs in as a platform's user, whatever password an admin gives them."""
        return self.platform_id is None and super().check_password(raw_password)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's, which lets a superuser do anything, but for what nobody may."""
        return perm not in FOR_NOBODY and super().has_perm(perm, obj)


class Allowance(models.Model):
    """Another quota than the course's, for one student or for all, until a time: web.people.quotas.

    student: None for all of the course. A number that is None stays as it is without this row.
    until: None for good.
    """

    course = models.ForeignKey(
        "courses.Course",
        on_delete=models.CASCADE,
        related_name="allowances",
        verbose_name=_("course"),
    )
    student = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="allowances",
        verbose_name=_("student"),
    )
    hints_an_exercise = models.PositiveSmallIntegerField(
        _("hints by AI for an exercise"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_HINTS)],
        help_text=_("Empty: as without this row."),
    )
    hints_a_day = models.PositiveSmallIntegerField(
        _("hints by AI in 24 hours"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_HINTS)],
        help_text=_("Empty: as without this row."),
    )
    until = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("A deadline, say. Empty: for good.")
    )

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.course} · {self.student or '*'}"

    def clean(self) -> None:
        if self.hints_an_exercise is None and self.hints_a_day is None:
            raise ValidationError({"hints_an_exercise": _("Give one of the two numbers.")})


class Spending(models.Model):
    """Tokens that models have used for a course in one hour; web.hints.spending."""

    # The constraint's index begins with this column.
    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="spendings", db_index=False
    )
    hour = models.DateTimeField(_("hour"))
    tokens = models.PositiveBigIntegerField(_("tokens"))

    class Meta:
        verbose_name = _("spending")
        verbose_name_plural = _("spendings")
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(fields=["course", "hour"], name="one_spending_an_hour")
        ]

    def __str__(self) -> str:
        return f"{self.course} · {self.hour}"


class ApiTokens(models.QuerySet["ApiToken"]):
    """Queries of tokens."""

    def valid(self) -> ApiTokens:
        """Those that open the API; one that was revoked has no row."""
        lasting = models.Q(expires_at=None) | models.Q(expires_at__gt=Now())
        return self.filter(lasting, user__is_active=True)


class ApiToken(models.Model):
    """Lets a program act as its user, or for those of its platform. The text is not kept.

    prefix: its first 8 characters, for people; sha256: 64 hex digits of the whole text; expires_at:
    None for never; last_used_at: true to five minutes.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    platform = models.ForeignKey(
        Platform,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_tokens",
        verbose_name=_("platform"),
        help_text=_("It then has none of its user's rights, only those of the platform."),
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=8, editable=False)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = ApiTokens.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… · {self.name}"
