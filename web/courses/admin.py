"""Courses, exercises and authored hints in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest

from web.courses.models import AuthoredHint, Course, Exercise, Membership


class MembershipInline(admin.TabularInline[Membership, Course]):
    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


class AuthoredHintInline(admin.StackedInline[AuthoredHint, Exercise]):
    model = AuthoredHint
    extra = 0
    max_num = 3


@admin.register(Course)
class CourseAdmin(admin.ModelAdmin[Course]):
    list_display = ("slug", "title_ko", "title_en")
    search_fields = ("slug", "title_ko", "title_en")
    inlines = (MembershipInline,)


@admin.register(Exercise)
class ExerciseAdmin(admin.ModelAdmin[Exercise]):
    list_display = ("slug", "course", "position", "title_ko", "title_en", "language", "revision")
    list_filter = ("course", "language")
    list_select_related = ("course",)
    search_fields = ("slug", "title_ko", "title_en", "topic")
    readonly_fields = ("revision",)
    inlines = (AuthoredHintInline,)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: list[Any], change: bool
    ) -> None:
        """What was saved again is a new revision: its prompt prefix is no longer the cached one."""
        super().save_related(request, form, formsets, change)
        if change:
            Exercise.objects.filter(pk=form.instance.pk).update(revision=F("revision") + 1)
