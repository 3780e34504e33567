"""One hint: what it asked for, each attempt at it, and how it ended."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_celery_results.models import TaskResult

from broker.queue import task_id
from web.hints.models import Attempt, Hint, span_s
from web.people import access
from web.people.models import User

READ = gettext_noop("read the words")
MOST_TASKS = 100
NEVER_SHOWN = ("partial", "idempotency_key", "request_hash")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hint(request: HttpRequest, hint_id: UUID) -> HttpResponse:
    """POST shows the words of the student and the models too, to who operates; it is recorded."""
    words = request.method == "POST"
    access.require(access.operates if words else access.sees_operations, request.user)
    rows = Hint.objects.select_related("student", "exercise__course", "submission")
    found = rows.defer(*NEVER_SHOWN).filter(pk=hint_id).first()
    if found is None:
        raise Http404
    if words:
        user = cast(User, request.user)
        # Before they are shown: nobody reads them where that cannot be recorded.
        LogEntry.objects.log_actions(user.pk, [found], CHANGE, READ, single_object=True)
    context = {
        "hint": found,
        "verdict": found.submission.report.get("verdict", ""),
        "attempts": Attempt.objects.filter(hint=hint_id).prefetch_related("calls"),
        "tasks": tasks(found),
        "wait_s": span_s(found.created_at, found.first_piece_at),
        "queued_s": span_s(found.created_at, found.claimed_at),
        "total_s": span_s(found.created_at, found.finished_at),
        "words": words,
        "operates": access.operates(request.user),
        "said": ("question", "comment", "reflection"),
    }
    return render(request, "ops/hints/hint.html", context)


def tasks(hint: Hint) -> list[TaskResult]:
    """Celery's records of its attempts, each of which is a task of its own."""
    first = max(1, hint.attempt - MOST_TASKS + 1)
    names = [task_id(str(hint.pk), number) for number in range(first, hint.attempt + 1)]
    return [*TaskResult.objects.filter(task_id__in=names).order_by("date_created")]
