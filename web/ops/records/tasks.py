"""The list of Celery's records: which task ended how, on which worker, for which hint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_celery_results.models import TaskResult

from broker.contract.job import JobKind, kind_of
from broker.queue import task_id
from web.hints.models import Hint
from web.ops.lists.address import ANY, Address, moment, suggested
from web.ops.lists.bounded import within
from web.ops.lists.paging import listing
from web.ops.records.numbered import NumberedWay
from web.people import access

STATUSES = {
    "SUCCESS": _("done"),
    "FAILURE": _("failed"),
    "RETRY": _("tried again"),
    "REVOKED": _("taken back"),
}
"""Celery's words; of a task only its end is kept."""
SHOWN = ("task_id", "task_name", "status", "worker", "date_done")
RESULT_CHARS, FIELD_CHARS = 4000, 60
MOST_WORKERS, NAMES_S = 500, 0.1
OF_HINT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+", re.ASCII)
# One look into the index a name, instead of one at each record.
WORKERS = """
    WITH RECURSIVE known (name) AS (
        SELECT min(worker) FROM django_celery_results_taskresult
        UNION ALL
        SELECT (SELECT min(worker) FROM django_celery_results_taskresult WHERE worker > name)
        FROM known WHERE name IS NOT NULL
    )
    SELECT name FROM known WHERE name IS NOT NULL LIMIT %s
"""


class TaskFilter(forms.Form):
    """The fields in the order of the page; empty ones let everything through."""

    hint = forms.UUIDField(required=False, label=_("hint id"))
    status = forms.ChoiceField(required=False, label=_("state"), choices=[ANY, *STATUSES.items()])
    worker = forms.CharField(
        required=False, max_length=100, label=_("worker begins with"), widget=suggested("worker")
    )
    since = moment(_("ended from"))
    until = moment(_("ended until"))


class TaskFilters(Address[TaskResult]):
    form_class, find, quick = TaskFilter, "hint", "status"
    plain = {"status": "status", "since": "date_done__gte", "until": "date_done__lte"}

    def every(self) -> QuerySet[TaskResult]:
        return TaskResult.objects.all()

    def narrowed(self, rows: QuerySet[TaskResult]) -> QuerySet[TaskResult]:
        values = self.values
        if "hint" in values:
            rows = rows.filter(task_id__startswith=task_id(str(values["hint"]), ""))
        return rows.filter(of_workers(values["worker"])) if "worker" in values else rows


def of_workers(prefix: str) -> Q:
    """Raises: OutOfTime."""
    # Whole names the database finds in its index, whatever its order of letters is.
    with within(NAMES_S), connection.cursor() as cursor:
        cursor.execute(WORKERS, [MOST_WORKERS + 1])
        names = [name for (name,) in cursor.fetchall()]
    if len(names) > MOST_WORKERS:
        return Q(worker__startswith=prefix)
    return Q(worker__in=[name for name in names if name.startswith(prefix)])


class TaskWay(NumberedWay[TaskResult]):
    moment = "date_done"

    def every(self) -> QuerySet[TaskResult]:
        return TaskResult.objects.only("date_done")


def listed(rows: QuerySet[TaskResult]) -> QuerySet[TaskResult]:
    # The record of an error can be of any length.
    return rows.only(*SHOWN).annotate(told=Left("result", RESULT_CHARS))


class Task(NamedTuple):
    """One record as the list shows it. hint: none where that is gone; ahead: nobody's yet."""

    row: TaskResult
    status: str
    hint: UUID | None
    ahead: bool
    outcome: dict[str, str]


@never_cache
@login_required
@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """For who may see the operations."""
    access.require(access.sees_operations, request.user)
    context = listing(request.GET, TaskFilters(request.GET), TaskWay(), listed)
    context["title"], context["rows"] = gettext("Task results"), [*told_of(context["rows"])]
    return render(request, "ops/records/tasks.html", context)


def told_of(rows: list[TaskResult]) -> Iterator[Task]:
    ids = {row.pk: UUID(name[1]) for row in rows if (name := OF_HINT.fullmatch(row.task_id))}
    # A record outlives its hint, and nobody follows a link to nothing.
    there = {*Hint.objects.filter(pk__in=ids.values()).values_list("pk", flat=True)}
    for row in rows:
        hint = ids.get(row.pk)
        yield Task(
            row,
            str(STATUSES.get(row.status, row.status)),
            hint if hint in there else None,
            kind_of(row.task_id) is JobKind.DIAGNOSIS,
            outcome(vars(row)["told"]),
        )


def outcome(result: str | None) -> dict[str, str]:
    """What of an attempt's Result the list shows; nothing of what is none, or of an error."""
    try:
        told: Any = json.loads(result or "")
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    known = {name: told.get(name) for name in ("state", "engine", "reason")}
    found = {name: word[:FIELD_CHARS] for name, word in known.items() if isinstance(word, str)}
    return found | {"label": str(dict(Hint.State.choices).get(found.get("state", ""), ""))}
