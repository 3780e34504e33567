"""Submissions and hints in the admin: read only, a hint with the timeline of its attempts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_results.admin import TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from broker.contract.hint import Reason
from web.engines import roster
from web.hints.models import Attempt, Explanation, Hint, Submission, span_s
from web.people import access
from web.people.models import User
from web.people.site import CourseScoped

Row = TypeVar("Row", Submission, Hint, Explanation)
SHOWN_CHARS = 120
MOST_LISTED = 10_000


class FirstPages(Paginator[Any]):
    """Of a long table: nobody turns a hundred pages, and to count them all takes a second."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet[Any], self.object_list)
        # In the order of the list it would look up each of them where it lies on the disk.
        return rows.order_by()[:MOST_LISTED].count()


class CourseFilter(admin.RelatedFieldListFilter):
    """The courses that the person teaches: which of them have rows takes long to find out."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        taught = access.taught(cast(User, request.user))
        return [(str(each.pk), each.slug) for each in taught.order_by("slug")]


class WordFilter(admin.SimpleListFilter):
    """A column of words. Django's own filter reads the table for those that occur in it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words()]

    def words(self) -> Iterable[str]:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class ReasonFilter(WordFilter):
    title, parameter_name = _("reason"), "reason"

    def words(self) -> Iterable[str]:
        return Reason


class EngineFilter(WordFilter):
    title, parameter_name = _("engine"), "engine"

    def words(self) -> Iterable[str]:
        return roster.names()


class StatusFilter(WordFilter):
    """Of Celery's tasks, of which only the end is kept."""

    title, parameter_name = _("state"), "status"

    def words(self) -> Iterable[str]:
        return "SUCCESS", "FAILURE", "RETRY", "REVOKED"


class AskedAdmin(CourseScoped[Row]):
    """Rows of one student about one exercise."""

    course = "exercise__course"
    list_select_related = ("student", "exercise__course")
    search_fields = ["id", "student__username", "exercise__slug"]
    # A full count would read the whole table for each page.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = FirstPages
    list_per_page = 50

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **more: Any) -> Any:
        """Reading what a student has written is an action."""
        answer = super().change_view(request, object_id, *args, **more)
        # Django answers with the list where there is no such row, or none for this person.
        row = self.get_object(request, unquote(object_id))
        if isinstance(answer, TemplateResponse):
            assert row is not None, "what is shown is there"
            self.log_change(request, row, gettext("Read."))
        return answer

    @admin.display(description=_("student"), ordering="student__username")
    def asked_by(self, row: Row) -> str:
        return row.student.get_username()

    @admin.display(description=_("exercise"), ordering="exercise")
    def for_exercise(self, row: Row) -> str:
        return row.exercise.path


@admin.register(Submission)
class SubmissionAdmin(AskedAdmin[Submission]):
    list_display = ("created_at", "asked_by", "for_exercise", "verdict", "source")
    list_filter = ("source", "created_at", ("exercise__course", CourseFilter))
    search_fields = [*AskedAdmin.search_fields, "fingerprint"]
    fields = readonly_fields = (
        "created_at", "asked_by", "for_exercise", "source", "fingerprint", "program", "found",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        # A page of the list would load a hundred programs, up to 64 KB each, and show none.
        return super().get_queryset(request).defer("code")

    @admin.display(description=_("verdict"))
    def verdict(self, submission: Submission) -> str:
        return str(submission.report.get("verdict", "–"))

    @admin.display(description=_("code"))
    def program(self, submission: Submission) -> SafeString:
        return preformatted(submission.code)

    @admin.display(description=_("test report"))
    def found(self, submission: Submission) -> SafeString:
        return report_of(submission)


class Timeline(admin.TabularInline[Attempt, Hint]):
    """The attempts, the first one first, each with its model calls."""

    model = Attempt
    template = "admin/hints/timeline.html"
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).prefetch_related("calls")


@admin.register(Hint)
class HintAdmin(AskedAdmin[Hint]):
    list_display = (
        "created_at",
        "asked_by",
        "for_exercise",
        "level",
        "state",
        "reason",
        "source",
        "verified",
        "engine",
        "attempt",
        "wait_s",
        "total_s",
        "helpful",
    )
    list_filter = (
        "state",
        ReasonFilter,
        "source",
        "verified",
        "level",
        EngineFilter,
        "helpful",
        "created_at",
        ("exercise__course", CourseFilter),
    )
    exclude = ("student", "exercise", "submission")
    readonly_fields = ("asked_by", "for_exercise", "program", "found", "wait_s", "total_s")
    inlines = (Timeline,)

    class Media:
        css = {"all": ["hints/timeline.css"]}

    @admin.display(description=_("code"))
    def program(self, hint: Hint) -> SafeString:
        """As in the submission, with a link to it."""
        address = reverse("admin:hints_submission_change", args=[hint.submission_id])
        link = format_html('<p><a href="{}">{}</a></p>', address, hint.submission)
        return preformatted(hint.submission.code) + link

    @admin.display(description=_("test report"))
    def found(self, hint: Hint) -> SafeString:
        return report_of(hint.submission)

    @admin.display(description=_("wait, s"))
    def wait_s(self, hint: Hint) -> str:
        return seconds(span_s(hint.created_at, hint.first_piece_at))

    @admin.display(description=_("total, s"))
    def total_s(self, hint: Hint) -> str:
        return seconds(span_s(hint.created_at, hint.finished_at))


@admin.register(Explanation)
class ExplanationAdmin(AskedAdmin[Explanation]):
    list_display = ("written_at", "asked_by", "for_exercise", "beginning")
    list_filter = (
        ("exercise__course", admin.RelatedOnlyFieldListFilter),
        ("exercise", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = [*AskedAdmin.search_fields, "text"]
    date_hierarchy = "written_at"
    fields = readonly_fields = ("written_at", "asked_by", "for_exercise", "text", "program")

    @admin.display(description=_("why it works"))
    def beginning(self, explanation: Explanation) -> str:
        return Truncator(explanation.text).chars(SHOWN_CHARS)

    @admin.display(description=_("code"))
    def program(self, explanation: Explanation) -> SafeString:
        return preformatted(explanation.submission.code)


def preformatted(text: str) -> SafeString:
    """With its line breaks and indentation."""
    return format_html("<pre>{}</pre>", text)


def report_of(submission: Submission) -> SafeString:
    return preformatted(json.dumps(submission.report, indent=2, ensure_ascii=False))


def seconds(span_s: float | None) -> str:
    return "–" if span_s is None else f"{span_s:.1f}"


class QuickTaskResultAdmin(TaskResultAdmin):
    """Celery's record; it can be long: no full count on each page."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = FirstPages
    list_per_page = 50
    # It asks for the first and the last day, and for each between them.
    date_hierarchy = None  # type: ignore[assignment]
    # The package's stubs fix the length of both tuples.
    list_display = ("task_id", "status", "worker", "date_created", "date_done")  # type: ignore[assignment]
    list_filter = (StatusFilter, "date_done")  # type: ignore[assignment]


admin.site.unregister(TaskResult)
admin.site.unregister(GroupResult)
admin.site.register(TaskResult, QuickTaskResultAdmin)
