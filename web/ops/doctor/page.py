"""The page of the set-up: what the doctor sees, in the reader's language."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.ops.doctor.examination import examine
from web.ops.doctor.observation import Severity
from web.people import access


@never_cache
@login_required
@require_safe
def setup(request: HttpRequest) -> HttpResponse:
    """For who may see the engines."""
    access.require(access.sees_engines, request.user)
    labels = {
        Severity.OK: _("fine"), Severity.WARNING: _("warning"), Severity.ERROR: _("error"),
    }  # fmt: skip
    found = list(examine())
    parts = []
    for part, rows in groupby(found, key=itemgetter(0)):
        seen = [each for _part, each in rows]
        worst = max(each.severity for each in seen)
        parts.append(
            {
                "name": part.name,
                "title": part.title,
                "worst": worst,
                "tone": worst.name.lower(),
                "label": labels[worst],
                "seen": [
                    (each, each.severity.name.lower(), labels[each.severity]) for each in seen
                ],
            }
        )
    # The worst comes first; parts that are alike stay in their order.
    parts.sort(key=lambda part: part["worst"], reverse=True)
    to_do = sum(each.severity > Severity.OK for _part, each in found)
    context = {
        "parts": [part for part in parts if part["worst"] > Severity.OK],
        "well": [part for part in parts if part["worst"] == Severity.OK],
        "to_do": to_do,
    }
    return render(request, "ops/setup.html", context)
