"""The page of costs: what models took, for whom, what was saved, and the prices and the budget."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from web.engines.models import Engine
from web.fleet import costs
from web.fleet.models import Budget, Price
from web.hints.models import ModelCall
from web.people import access
from web.people.models import User

DAYS = (7, 30, 90)
COMPARED = {
    "engine": gettext_lazy("engine"),
    "course": gettext_lazy("course"),
    "level": gettext_lazy("level"),
    "purpose": gettext_lazy("purpose"),
}
PRICES = ("read", "cached", "written")


class PriceForm(forms.ModelForm[Price]):
    class Meta:
        model = Price
        fields = PRICES


class BudgetForm(forms.ModelForm[Budget]):
    class Meta:
        model = Budget
        fields = ("currency", "a_month")


Forms = list[tuple[Engine | None, PriceForm | BudgetForm]]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cost(request: HttpRequest) -> HttpResponse:
    """The query has the days. Who may not operate sees prices and budget, and changes neither."""
    access.require(access.sees_operations, request.user)
    found = blank(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        access.require(access.operates, request.user)
        if all([form.is_valid() for _engine, form in found]):
            saved(cast(User, request.user), found)
            messages.success(request, _("Saved. New prices count from now on."))
            return redirect("ops_cost")
    days = next((each for each in DAYS if str(each) == request.GET.get("days")), DAYS[1])
    since = localdate() - timedelta(days=days - 1)
    compared = {by: costs.bills(since, by) for by in COMPARED}
    context = {
        "days": days,
        "spans": DAYS,
        "budget": Budget.current(),
        "month": costs.month(),
        "courses": costs.courses(),
        "total": total(compared["engine"]),
        "compared": [(title, named(by, compared[by])) for by, title in COMPARED.items()],
        "saved": costs.savings(since, compared["engine"]),
        "daily": costs.daily(since),
        "forms": found,
        "may_change": access.operates(request.user),
    }
    return render(request, "ops/cost.html", context)


def total(bills: list[costs.Bill]) -> dict[str, Any]:
    return {name: sum(getattr(each, name) for each in bills) for name in (*costs.SUMS, "tokens")}


def named(by: str, bills: list[costs.Bill]) -> list[tuple[str, costs.Bill]]:
    """Each with its name for people."""
    labels: dict[Any, Any] = dict(ModelCall.Purpose.choices) if by == "purpose" else {}
    # The empty engine and level 0 are those of diagnoses that no hint has waited for.
    labels |= {"": _("ahead of hints"), 0: _("ahead of hints")}
    return [(str(labels.get(each.name, each.name)), each) for each in bills]


def blank(typed: QueryDict | None) -> Forms:
    """A form for each engine's price, and one for the budget: None for its engine."""
    prices = {price.engine_id: price for price in Price.objects.all()}
    found: Forms = [(None, BudgetForm(typed, instance=Budget.current(), prefix="budget"))]
    for engine in Engine.objects.order_by("name"):
        row = prices.get(engine.pk) or Price(engine=engine)
        # An engine without a price may stay without one.
        form = PriceForm(typed, instance=row, prefix=f"price-{engine.pk}", empty_permitted=True,
                         use_required_attribute=False)  # fmt: skip
        found.append((engine, form))
    return found


@transaction.atomic
def saved(by: User, found: Forms) -> None:
    for engine, form in found:
        if not form.has_changed():
            continue
        before = {name: form.initial.get(name) for name in form.changed_data}
        row: Model = form.save()
        told = "; ".join(
            f"{form.fields[name].label}: {before[name] or '–'} → {form.cleaned_data[name] or '–'}"
            for name in form.changed_data
        )
        LogEntry.objects.log_actions(by.pk, [engine or row], CHANGE, told, single_object=True)
