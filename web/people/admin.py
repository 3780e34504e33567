"""People and their API tokens in the admin: issue a token (its text is shown once), revoke it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

from web.people.models import ApiToken, User
from web.people.tokens import fresh

admin.site.register(User, UserAdmin)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    list_display = ("prefix", "name", "user", "created_at", "expires_at", "last_used_at")
    fields = ("user", "name", "expires_at")
    autocomplete_fields = ("user",)

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool
    ) -> None:
        text = "" if change else fresh(obj)
        super().save_model(request, obj, form, change)
        if text:
            shown = _("The token, shown only now: %(text)s") % {"text": text}
            messages.warning(request, shown)
