"""The page of costs: what models took, for whom, what was saved, and the prices and the budget."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.db import transaction
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
    """A price is whole or not there: an emptied one is taken away."""

    class Meta:
        model = Price
        fields = PRICES

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for name in PRICES:
            self.fields[name].required = False
            # Else what somebody else has saved meanwhile would look as if it was typed here.
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        given = [name for name in PRICES if typed.get(name) is not None]
        if given and not self.errors:
            for name in ("read", "written"):
                if name not in given:
                    self.add_error(name, self.fields[name].error_messages["required"])
        return typed

    @property
    def emptied(self) -> bool:
        return all(self.cleaned_data.get(name) is None for name in PRICES)


class BudgetForm(forms.ModelForm[Budget]):
    class Meta:
        model = Budget
        fields = ("currency", "a_month")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            field.show_hidden_initial = True


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
        "saved": costs.savings(since, compared["engine"], compared["purpose"]),
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
        found.append((engine, PriceForm(typed, instance=row, prefix=f"price-{engine.pk}")))
    return found


@transaction.atomic
def saved(by: User, found: Forms) -> None:
    for engine, form in found:
        if not form.has_changed():
            continue
        told = "; ".join(
            f"{form.fields[name].label}: {shown(form.initial.get(name))} → "
            f"{shown(form.cleaned_data[name])}"
            for name in form.changed_data
        )
        row = form.instance
        if isinstance(form, PriceForm) and form.emptied:
            row.delete()
        else:
            # What somebody else has changed meanwhile stays.
            row.save(update_fields=form.changed_data if row.pk else None)
        LogEntry.objects.log_actions(by.pk, [engine or row], CHANGE, told, single_object=True)


def shown(amount: object) -> str:
    return "–" if amount is None else str(amount)
