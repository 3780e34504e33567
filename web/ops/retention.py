"""How long rows and texts are kept that pile up by themselves; they go a few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models.functions import Now
from django_celery_results.models import TaskResult

from web.evaluation.models import Item
from web.fleet.models import Cost, Minute, Tally
from web.hints.models import Attempt, ModelCall

BATCH = 1000
"""Rows a statement, each a transaction of its own: whoever else writes waits some 20 ms."""
PAUSE_S = 0.1
"""Between two batches, for the others."""


@dataclass(frozen=True, slots=True)
class Records:
    """One kind of rows. since: the column from which the days of a setting count; "": no days.

    along: the column of an index in whose order the old rows come first. text: the one column that
    is emptied; "": the whole row goes.
    """

    name: str
    model: type[models.Model]
    since: str
    setting: str
    along: str
    text: str = ""


KINDS = (
    Records("raw model output", ModelCall, "created_at", "RAW_DAYS", "created_at", text="text"),
    Records("texts of evaluations", Item, "created_at", "RAW_DAYS", "created_at", text="text"),
    # Their model calls go with them.
    Records("attempts", Attempt, "started_at", "RECORD_DAYS", "started_at"),
    Records("minutes of the fleet", Minute, "began_at", "RECORD_DAYS", "began_at"),
    Records("task results", TaskResult, "date_done", "RECORD_DAYS", "date_done"),
    Records("sessions", Session, "expire_date", "", "expire_date"),
    Records("costs", Cost, "day", "ACTION_DAYS", "day"),
    Records("tallies of hints", Tally, "day", "ACTION_DAYS", "day"),
    # These have no index on their time; they are numbered as they come.
    Records("actions", LogEntry, "action_time", "ACTION_DAYS", "pk"),
    Records("sign-ins", AccessLog, "attempt_time", "RECORD_DAYS", "pk"),
    Records("failed sign-ins", AccessFailureLog, "attempt_time", "RECORD_DAYS", "pk"),
    Records("locked sign-ins", AccessAttempt, "attempt_time", "RECORD_DAYS", "pk"),
)


def sweep(kind: Records) -> int:
    """Ends a batch of the rows whose days are over; how many there were. Raises: DatabaseError.

    By the database's clock: that of one machine that is wrong would delete everything.
    """
    rows: models.Manager[Any] = kind.model._default_manager
    batch = rows.filter(pk__in=over(kind).order_by(kind.along).values("pk")[:BATCH])
    if kind.text:
        return batch.update(**{kind.text: ""})
    _, deleted = batch.delete()
    return deleted.get(kind.model._meta.label, 0)


def over(kind: Records, since_s: float = 0) -> models.QuerySet[Any]:
    """The rows, or those with a text, whose days have been over for so long."""
    days = getattr(settings, kind.setting) if kind.setting else 0
    age = timedelta(days=days, seconds=since_s)
    rows = kind.model._default_manager.filter(**{f"{kind.since}__lt": Now() - age})
    return rows.exclude(**{kind.text: ""}) if kind.text else rows
