"""What people keep of the list of hints: a filter under a name, and an action on all that match."""

from __future__ import annotations

from urllib.parse import unquote_plus

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from web.ops.lists.address import QUERY_CHARS

NAME_CHARS = 60


class SavedFilter(models.Model):
    """query: the part of the list's address that filters it."""

    # The constraint's index begins with this column.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    name = models.CharField(_("name"), max_length=NAME_CHARS)
    query = models.CharField(_("filter"), max_length=QUERY_CHARS)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_saved_filter_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class BulkAction(models.Model):
    """An action on every hint that a filter matches; web.ops.hints.bulk does it, part by part.

    before: only hints that were asked by then. cursor: the hint it has come to, as in the list's
    addresses. total: None where there are too many to count. failed: hints that were left out,
    mostly as they had changed by the time it came to them. busy_until: a request does a part of
    it, at the longest until then.
    """

    class Kind(models.TextChoices):
        CANCEL = "cancel", _("cancel")
        DELETE = "delete", _("delete")
        AGAIN = "again", _("ask again")

    class State(models.TextChoices):
        RUNNING = "running", _("is being done")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    # Whose account goes has nothing more to go on with.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    kind = models.CharField(_("action"), max_length=10, choices=Kind)
    query = models.CharField(_("filter"), max_length=QUERY_CHARS)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    before = models.DateTimeField(_("started"), db_default=Now())
    cursor = models.CharField(max_length=80, blank=True)
    done = models.PositiveIntegerField(_("done"), default=0)
    failed = models.PositiveIntegerField(_("left out"), default=0)
    total = models.PositiveIntegerField(_("hints in all"), null=True)
    # By the database's clock, as the requests may come to different machines.
    busy_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("action on hints")
        verbose_name_plural = _("actions on hints")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.kind} · {unquote_plus(self.query)}"
