"""Signing out, which the browser must notice, and choosing a new password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

SIGNED_OUT = "signed_out"
YEAR_S = 31_536_000


class SignOut(LogoutView):
    """Leaves a cookie that tells the next page to drop the drafts, also after a crash."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        response.set_cookie(SIGNED_OUT, "1", max_age=YEAR_S, samesite="Lax", secure=settings.HTTPS)
        return response


class NewPasswordForm(PasswordChangeForm):
    """Django's form, whose question for the old password counts as a sign-in."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        """Asked as a sign-in asks, so that guessing it on a machine left open is slowed too."""
        old = str(self.cleaned_data["old_password"])
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            raise ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            )
        return old


class NewPassword(PasswordChangeView):
    """The person's other sessions end with the old password."""

    form_class = NewPasswordForm
    template_name = "pages/password.html"

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        # Django's words for it, "the same as before", can be read as the old one.
        form.fields["new_password2"].help_text = ""
        return form
