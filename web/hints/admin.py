"""Hints in the admin: read only, with the raw output and the task results of each attempt."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_celery_results.admin import TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from web.hints.models import Hint, RawOutput
from web.people import access
from web.people.site import CourseScoped


class RawOutputInline(admin.TabularInline[RawOutput, Hint]):
    model = RawOutput
    extra = 0
    fields = readonly_fields = ("attempt", "turn", "rule", "text", "created_at")


@admin.register(Hint)
class HintAdmin(CourseScoped[Hint]):
    course = "exercise__course"
    list_display = (
        "created_at",
        "asked_by",
        "for_exercise",
        "level",
        "state",
        "reason",
        "source",
        "engine",
        "attempt",
        "wait_s",
        "total_s",
        "helpful",
    )
    list_filter = (
        "state",
        "reason",
        "source",
        "level",
        "engine",
        "helpful",
        ("exercise__course", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("student", "exercise__course")
    search_fields = ("id", "student__username", "exercise__slug")
    date_hierarchy = "created_at"
    show_full_result_count = False
    exclude = ("student", "exercise", "code")
    inlines = (RawOutputInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Hint | None = None) -> tuple[str, ...]:
        # A link is shown only to people it opens for.
        may_open = access.sees_task_results(request.user)
        records = "task_links" if may_open else "task_results"
        return ("asked_by", "for_exercise", "program", records, "wait_s", "total_s")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hint]:
        return super().get_queryset(request).defer("code", "report")

    @admin.display(description=_("student"), ordering="student__username")
    def asked_by(self, hint: Hint) -> str:
        return hint.student.get_username()

    @admin.display(description=_("exercise"), ordering="exercise")
    def for_exercise(self, hint: Hint) -> str:
        return hint.exercise.path

    @admin.display(description=_("code"))
    def program(self, hint: Hint) -> SafeString:
        """With its line breaks and indentation."""
        return format_html("<pre>{}</pre>", hint.code)

    @admin.display(description=_("wait, s"))
    def wait_s(self, hint: Hint) -> str:
        return span_s(hint.created_at, hint.first_piece_at)

    @admin.display(description=_("total, s"))
    def total_s(self, hint: Hint) -> str:
        return span_s(hint.created_at, hint.finished_at)

    @admin.display(description=_("task results"))
    def task_results(self, hint: Hint) -> SafeString | str:
        """One line an attempt."""
        return listed("<li>{1} · {2} · {3}</li>", hint)

    @admin.display(description=_("task results"))
    def task_links(self, hint: Hint) -> SafeString | str:
        """One line an attempt, linked to Celery's own record of it."""
        return listed('<li><a href="{0}">{1}</a> · {2} · {3}</li>', hint)


def listed(line: str, hint: Hint) -> SafeString | str:
    """The task results of the hint as a list. line: of address, id, status and worker."""
    rows = TaskResult.objects.filter(task_id__startswith=f"{hint.pk}-").order_by("task_id")
    shown = [
        (
            reverse("admin:django_celery_results_taskresult_change", args=[row.pk]),
            row.task_id,
            row.status,
            row.worker,  # type: ignore[attr-defined]  # newer than its stubs
        )
        for row in rows
    ]
    return format_html("<ul>{}</ul>", format_html_join("", line, shown)) if shown else "–"


def span_s(start: Any, end: Any) -> str:
    return f"{(end - start).total_seconds():.1f}" if end else "–"


class QuickTaskResultAdmin(TaskResultAdmin):
    """Celery's record; it can be long: no full count on each page."""

    show_full_result_count = False
    # The package's stubs fix the length of both tuples.
    list_display = ("task_id", "status", "worker", "date_created", "date_done")  # type: ignore[assignment]
    list_filter = ("status", "date_done")  # type: ignore[assignment]


admin.site.unregister(TaskResult)
admin.site.unregister(GroupResult)
admin.site.register(TaskResult, QuickTaskResultAdmin)
