"""The list of requests to engines: what each was for and came to, and never what was said."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.hints.models import ModelCall
from web.ops.lists.address import ANY, Address, moment, suggested
from web.ops.lists.paging import listing
from web.ops.records.numbered import NumberedWay
from web.people import access

SHOWN = (
    "created_at", "purpose", "model", "verdict", "fault", "probability", "prompt_tokens",
    "cached_tokens", "completion_tokens", "attempt__engine", "attempt__hint_id",
)  # fmt: skip
"""Of the list: neither what a model wrote, nor how it was asked."""


class CallFilter(forms.Form):
    """The fields in the order of the page; empty ones let everything through."""

    purpose = forms.ChoiceField(
        required=False, label=_("purpose"), choices=[ANY, *ModelCall.Purpose.choices]
    )
    model = forms.CharField(
        required=False, max_length=200, label=_("model name"), widget=suggested("model")
    )
    engine = forms.CharField(
        required=False, max_length=50, label=_("engine"), widget=suggested("engine")
    )
    verdict = forms.CharField(
        required=False, max_length=20, label=_("rule or verdict"), widget=suggested("verdict")
    )
    since = moment(_("asked from"))
    until = moment(_("asked until"))


class CallFilters(Address[ModelCall]):
    form_class, quick = CallFilter, "purpose"
    # Of an engine that wrote little, the database begins at its attempts.
    plain = {
        "purpose": "purpose", "model": "model", "engine": "attempt__engine", "verdict": "verdict",
        "since": "created_at__gte", "until": "created_at__lte",
    }  # fmt: skip

    def every(self) -> QuerySet[ModelCall]:
        return ModelCall.objects.all()


class CallWay(NumberedWay[ModelCall]):
    moment = "created_at"

    def every(self) -> QuerySet[ModelCall]:
        return ModelCall.objects.only("created_at")


def listed(rows: QuerySet[ModelCall]) -> QuerySet[ModelCall]:
    # What ran ahead of hints has no attempt, and is listed all the same.
    return rows.select_related("attempt").only(*SHOWN)


@never_cache
@login_required
@require_safe
def calls(request: HttpRequest) -> HttpResponse:
    """For who may see the operations."""
    access.require(access.sees_operations, request.user)
    context = listing(request.GET, CallFilters(request.GET), CallWay(), listed)
    context["title"] = gettext("Requests to models")
    return render(request, "ops/records/calls.html", context)
