"""Signing out, which the browser must notice, choosing a new password, and leaving for good."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LogoutView, PasswordChangeView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from web.people import leaving
from web.people.models import User

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
        return asked_again(self, "old_password")


class LeaveForm(forms.Form):
    """Whoever finds a machine left open deletes no account."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    request: HttpRequest

    def clean_password(self) -> str:
        return asked_again(self, "password")


def asked_again(form: Any, name: str) -> str:
    """The password in this field, asked as a sign-in asks: so guessing it is slowed too.

    Raises: ValidationError.
    """
    password = str(form.cleaned_data[name])
    username = form.request.user.get_username()
    if authenticate(form.request, username=username, password=password) is None:
        message = PasswordChangeForm.error_messages["password_incorrect"]
        raise ValidationError(message, code="password_incorrect")
    return password


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


class Leave(LoginRequiredMixin, FormView[LeaveForm]):
    """Deletes the account some days later; a button on the same page keeps it."""

    form_class = LeaveForm
    template_name = "pages/leave.html"
    success_url = reverse_lazy("leave")

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        may = leaving.may_leave(cast(User, self.request.user))
        return super().get_context_data(may_leave=may, days=leaving.LEAVE_DAYS, **more)

    def get_form(self, form_class: Any = None) -> LeaveForm:
        form = super().get_form(form_class)
        form.request = self.request
        return form

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = cast(User, request.user)
        if "stay" in request.POST:
            leaving.stay(user)
            return self.form_valid(self.get_form())
        if not leaving.may_leave(user):
            raise PermissionDenied
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        leaving.leave(user)
        return self.form_valid(form)
