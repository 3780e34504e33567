"""Who fails to sign in too often waits: a name at its address, and an address over all names.

A name is locked at one address only, so that no stranger locks a student out. The limit of an
address is far higher, counts failures alone, and does not hold for a name that has signed in
there before: a classroom behind one address goes on while somebody in it tries names.
"""

from __future__ import annotations

import math
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ADDRESS_LIMIT = 200
"""A class of 40 that mistypes five times each. As the other limit, in AXES_COOLOFF_TIME."""


class SignInHandler(AxesDatabaseHandler):  # type: ignore[misc]  # it comes without types
    """What axes asks before a password is looked at, so that waiting costs no hashing."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return wait_s(request, credentials) > 0


def locked(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page that says how long to wait; axes puts it in the place of the response."""
    seconds = wait_s(request, credentials)
    context = {"minutes": math.ceil(seconds / 60)}
    page = render(request, "registration/locked.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def wait_s(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """Seconds until this name may be tried again from this address; 0: now."""
    name = get_client_username(request, credentials)
    here = {"ip_address": request.axes_ip_address}  # type: ignore[attr-defined]  # set by axes
    of_name = forgotten_s(request, settings.AXES_FAILURE_LIMIT, username=name, **here)
    if request.axes_ip_address is None:  # type: ignore[attr-defined]
        return of_name
    of_all = forgotten_s(request, ADDRESS_LIMIT, **here)
    # axes writes such a row for each sign-in that succeeds.
    if of_all and AccessLog.objects.filter(username=name, **here).exists():
        return of_name
    return max(of_name, of_all)


def forgotten_s(request: HttpRequest, limit: int, **which: Any) -> int:
    """Seconds until fewer of these failures are left than the limit; 0: there are fewer."""
    oldest_counted = get_cool_off_threshold(request)
    rows = AccessAttempt.objects.filter(attempt_time__gte=oldest_counted, **which)
    found = rows.order_by("-attempt_time").values_list("attempt_time", "failures_since_start")
    counted = 0
    for at, failures in found:
        counted += failures
        # The oldest failures are forgotten first: once this one is, the newer ones are too few.
        if counted >= limit:
            ahead_s: float = (at - oldest_counted).total_seconds()
            return max(1, math.ceil(ahead_s))
    return 0
