"""Courses, exercises and authored hints in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from web.courses.importing import toml
from web.courses.importing.page import UploadForm
from web.courses.importing.remarks import BadPackage
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.courses.texts import columns
from web.people import quotas
from web.people.models import Allowance, User
from web.people.site import CourseScoped
from web.tutor.levels import LEVELS


class UsernameField(forms.ModelChoiceField[User]):
    """A user by exact name: nobody can browse who else has an account."""

    widget = forms.TextInput
    default_error_messages = {"invalid_choice": _("Nobody has this username.")}


class MembershipForm(forms.ModelForm[Membership]):
    user = UsernameField(User.objects.all(), to_field_name="username", label=_("Username"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["user"] = self.instance.user
            # A row stays with its person: somebody else becomes a member by a row of their own.
            self.fields["user"].disabled = True


class AllowanceForm(forms.ModelForm[Allowance]):
    student = UsernameField(
        User.objects.all(),
        to_field_name="username",
        required=False,
        label=_("Username"),
        help_text=_("Of a student of the course. Empty: for all of them."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The widget shows what it would take: a name, not a key.
        if self.instance.student:
            self.initial["student"] = self.instance.student

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        # Nobody learns of an account that is in none of their courses.
        course, student = data.get("course"), data.get("student")
        if course and student and not course.memberships.filter(user=student).exists():
            raise forms.ValidationError({"student": _("Nobody in this course has this username.")})
        return data


class TablesField(forms.JSONField):
    """A list of tables, which a person writes and reads as TOML: texts of lines stay lines."""

    widget = forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField", "spellcheck": "false"})

    def __init__(self, key: str, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.key = key

    def to_python(self, value: Any) -> Any:
        try:
            return toml.tables(str(value or ""), self.key)
        except BadPackage as error:
            raise forms.ValidationError(str(error)) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        # A form with errors shows what the person typed.
        return data

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return toml.dumped({self.key: value}) if value else ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != str(data or "").replace("\r\n", "\n")


class ExerciseForm(forms.ModelForm[Exercise]):
    """A limit or a tolerance that is left empty is the usual one."""

    cases = TablesField(
        "cases",
        label=_("cases"),
        help_text=_(
            "Of a program that reads and prints, in TOML: [[cases]], then name, stdin, expected, "
            "visible, note_ko, note_en. Students see input and output where visible = true."
        ),
    )
    wrong = TablesField(
        "wrong",
        label=_("wrong programs"),
        help_text=_("Programs a beginner might hand in, in TOML: [[wrong]], then code and why_en."),
    )

    examples = TablesField(
        "examples",
        label=_("example answers"),
        help_text=_(
            "Hints as you would write them for this exercise, at most two a level, in TOML: "
            "[[examples]], then level, ko and en. The model is shown them for their manner; what "
            "repeats their words is not shown to a student."
        ),
    )

    USUAL = (
        "checker",
        "absolute_tolerance",
        "relative_tolerance",
        "time_limit_s",
        "memory_limit_mib",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.USUAL:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in self.USUAL:
            if name in data and data[name] in (None, ""):
                data[name] = getattr(Exercise(), name)
        return data


class MembershipInline(admin.TabularInline[Membership, Course]):
    model = Membership
    form = MembershipForm
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        # The form shows each member's username, which would cost a query for each row. Users of
        # platforms may be thousands, and come and go by themselves.
        rows = super().get_queryset(request).filter(user__platform=None)
        return rows.select_related("user")


class AuthoredHintInline(admin.StackedInline[AuthoredHint, Exercise]):
    model = AuthoredHint
    extra = 0
    max_num = len(LEVELS)


TRUSTS = "trusts_unlicensed"
TRUSTED = {
    True: gettext_noop("let models write that nobody has evaluated: yes"),
    False: gettext_noop("let models write that nobody has evaluated: no"),
}


@admin.register(Course)
class CourseAdmin(CourseScoped[Course]):
    course = "pk"
    list_display = search_fields = ("slug", *columns("title"))
    list_filter = (TRUSTS,)
    readonly_fields = ("tokens_used",)
    inlines = (MembershipInline,)

    @admin.display(description=_("tokens used in 24 hours"))
    def tokens_used(self, course: Course) -> str:
        return "–" if course.tokens_a_day is None else f"{quotas.tokens_used(course):,}"

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """Django's log says which fields were changed; of this one also to what."""
        said: list[dict[str, Any]] = super().construct_change_message(request, form, formsets, add)
        trusts = form.cleaned_data.get(TRUSTS)
        if TRUSTS in form.changed_data and (trusts or not add):
            said.append({"changed": {"fields": [TRUSTED[trusts]]}})
        return said

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("<int:pk>/import/", view, name="courses_course_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Of a course that the person does not teach there is no such page."""
        course = get_object_or_404(self.get_queryset(request), pk=pk)
        posted = request.method == "POST"
        form = UploadForm(course, request.POST, request.FILES) if posted else UploadForm(course)
        if form.is_bound and form.imported:
            done = ", ".join(f"{each.exercise.slug} ({each.words()})" for each in form.changes)
            messages.success(request, _("Imported: %(exercises)s.") % {"exercises": done})
            exercises = reverse("admin:courses_exercise_changelist")
            return redirect(f"{exercises}?course__id__exact={pk}")
        context = self.admin_site.each_context(request) | {
            "title": _("Import exercises"),
            "opts": self.opts,
            "course": course,
            "form": form,
        }
        return TemplateResponse(request, "admin/courses/course/import.html", context)


@admin.register(Allowance)
class AllowanceAdmin(CourseScoped[Allowance]):
    course = "course"
    form = AllowanceForm
    fields = ("course", "student", "hints_an_exercise", "hints_a_day", "until")
    list_display = ("whose", "course", "hints_an_exercise", "hints_a_day", "until")
    list_filter = (("course", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("course", "student")
    search_fields = ("student__username",)

    @admin.display(description=_("student"), ordering="student__username")
    def whose(self, row: Allowance) -> str:
        return row.student.get_username() if row.student else gettext("all of the course")


@admin.register(Exercise)
class ExerciseAdmin(CourseScoped[Exercise]):
    course = "course"
    form = ExerciseForm
    list_display = ("slug", "course", "position", *columns("title"), "language", "revision")
    list_filter = (("course", admin.RelatedOnlyFieldListFilter), "language")
    list_select_related = ("course",)
    search_fields = ("slug", *columns("title"), "topic")
    readonly_fields = ("revision",)
    inlines = (AuthoredHintInline,)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Programs that were only run go with their exercise; it stays while there are hints."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        # Teachers have no permission to delete submissions, and the admin would ask for it.
        runs = Exercise._meta.get_field("submissions").related_model
        assert isinstance(runs, type)
        return found, counts, needed - {str(runs._meta.verbose_name)}, protected

    def save_related(
        self, request: HttpRequest, form: Any, formsets: list[Any], change: bool
    ) -> None:
        """What was saved again is a new revision: its prompt prefix is no longer the cached one."""
        super().save_related(request, form, formsets, change)
        # Not in save_model: authored hints are part of the prompt, and are saved after it. F()
        # counts both of two teachers who save at the same time.
        if change:
            Exercise.objects.filter(pk=form.instance.pk).update(revision=F("revision") + 1)
