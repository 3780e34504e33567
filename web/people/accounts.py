"""Signing out, which the browser must notice, and choosing a new password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LogoutView, PasswordChangeDoneView, PasswordChangeView
from django.http import HttpRequest, HttpResponseBase

SIGNED_OUT = "signed_out"
YEAR_S = 31_536_000


class SignOut(LogoutView):
    """Leaves a cookie that tells the next page to drop the drafts, also after a crash."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().post(request, *args, **kwargs)
        response.set_cookie(SIGNED_OUT, "1", max_age=YEAR_S, samesite="Lax", secure=settings.HTTPS)
        return response


class NewPassword(PasswordChangeView):
    """The person's other sessions end with the old password."""

    template_name = "pages/password.html"


class PasswordChanged(PasswordChangeDoneView):
    template_name = "pages/password_done.html"
