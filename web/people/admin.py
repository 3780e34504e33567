"""People, platforms and API tokens in the admin: issue a token (shown once), revoke it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from web.people.models import ApiToken, Platform, User
from web.people.tokens import fresh


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """Django's, with the platform whose user somebody is."""

    list_display = ("username", "email", "first_name", "last_name", "is_staff", "duty", "platform")
    list_filter = (
        "is_staff", "duty", "is_superuser", "is_active", "groups",
        ("platform", admin.RelatedOnlyFieldListFilter),
    )  # fmt: skip
    list_select_related = ("platform",)
    readonly_fields = ("platform",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj:
            found = [*found, (_("Operations"), {"fields": ("duty",)})]
        return [*found, (None, {"fields": ("platform",)})] if obj and obj.platform_id else found


@admin.register(Platform)
class PlatformAdmin(admin.ModelAdmin[Platform]):
    """Its courses, and the way to its users; its tokens are made where all tokens are."""

    list_display = ("slug", "its_courses", "its_users")
    fields = ("slug", "courses", "most_users")
    filter_horizontal = ("courses",)
    search_fields = ("slug",)

    def get_readonly_fields(self, request: HttpRequest, obj: Platform | None = None) -> Any:
        # The names of its users begin with it: they would be other users.
        return ("slug",) if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Platform]:
        return super().get_queryset(request).prefetch_related("courses")

    @admin.display(description=_("courses"))
    def its_courses(self, platform: Platform) -> str:
        return ", ".join(course.slug for course in platform.courses.all())

    @admin.display(description=_("users"))
    def its_users(self, platform: Platform) -> SafeString:
        address = reverse("admin:people_user_changelist")
        return format_html(
            '<a href="{}?platform__id__exact={}">{}</a>',
            address, platform.pk, platform.users.count(),
        )  # fmt: skip


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    list_display = (
        "prefix", "name", "user", "platform", "created_at", "expires_at", "last_used_at",
    )  # fmt: skip
    fields = ("user", "platform", "name", "expires_at")
    autocomplete_fields = ("user", "platform")
    list_select_related = ("user", "platform")

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool
    ) -> None:
        text = "" if change else fresh(obj)
        super().save_model(request, obj, form, change)
        if text:
            shown = gettext("The token, shown only now: %(text)s") % {"text": text}
            messages.warning(request, shown)
