"""Evaluations in the admin: run one, watch it, compare two, and grant the licence that follows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broker.contract.text import row_number
from web.engines import licences
from web.evaluation import creation, report
from web.evaluation.forms import EvaluateForm, GrantForm
from web.evaluation.models import Evaluation, Item
from web.evaluation.progress import progress
from web.evaluation.reading import REFUSED, SHOWN
from web.fleet.overview import overview
from web.people import access
from web.people.models import User

PAGE = 50
CHANGE = "admin:evaluation_evaluation_change"


@admin.register(Evaluation)
class EvaluationAdmin(admin.ModelAdmin[Evaluation]):
    """Its rows are written by whoever takes an evaluation forward; people begin and end them."""

    list_display = ("pk", "model", "engine", "set_name", "state", "percent", "started_at", "by")
    list_filter = ("state", "model")
    list_select_related = ("by",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.evaluates(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.sees_evaluations(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("progress"))
    def percent(self, row: Evaluation) -> str:
        return f"{progress(row).percent} %"

    def delete_model(self, request: HttpRequest, obj: Evaluation) -> None:
        self.delete_queryset(request, Evaluation.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Evaluation]) -> None:
        # One by one: an evaluation is more than its row.
        for row in queryset.select_related("course"):
            creation.delete(row)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/now/", view(self.now), name="evaluation_evaluation_now"),
            path("<int:pk>/texts/", view(self.texts), name="evaluation_evaluation_texts"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Begins one, or goes on with one that was begun."""
        access.require(access.evaluates, request.user)
        form = EvaluateForm(initial=request.GET)
        if request.method == "POST":
            form = EvaluateForm(request.POST, request.FILES)
        if form.is_valid():
            assert isinstance(request.user, User)
            assert form.chosen is not None
            row = creation.begin(
                form.engine_row, form.chosen, request.user, form.cleaned_data["prompts"]
            )
            return redirect(CHANGE, row.pk)
        return self.shown(request, "begin", _("Evaluate a model"), form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One evaluation: how far it is, or its report."""
        access.require(access.sees_evaluations, request.user)
        # Django hands on whatever stands in the address.
        row = get_object_or_404(Evaluation, pk=row_number(object_id))
        if request.method == "POST" and (answer := self.done(request, row)):
            return answer
        context: dict[str, Any] = {"row": row, "may_run": access.evaluates(request.user)}
        if row.state == Evaluation.State.DONE:
            others = Evaluation.objects.filter(state=Evaluation.State.DONE).exclude(pk=row.pk)
            before = others.filter(pk=row_number(request.GET.get("with", "")) or 0).first()
            posted = request.method == "POST"
            context |= report.parts(row, before) | {
                "others": others,
                "form": GrantForm(row, request.POST if posted else None),
                "may_grant": access.grants_licences(request.user),
                "current": row.template_version == licences.template_version(),
            }
        else:
            context |= {"progress": progress(row), "no_node": not overview().nodes}
        return self.shown(request, "evaluation", str(row), **context)

    def done(self, request: HttpRequest, row: Evaluation) -> HttpResponse | None:
        """Does what the pressed button says; None where the form has to be mended."""
        if "grant" in request.POST and row.state == Evaluation.State.DONE:
            access.require(access.grants_licences, request.user)
            form = GrantForm(row, request.POST)
            assert isinstance(request.user, User)
            try:
                if not form.is_valid():
                    return None
                form.grant(request.user)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
                return None
            messages.success(request, _("%(model)s has its licence.") % {"model": row.model})
        else:
            access.require(access.evaluates, request.user)
            if "stop" in request.POST:
                creation.stop(row)
            elif "go_on" in request.POST and row.state == Evaluation.State.STOPPED:
                creation.go_on(row)
        return redirect(CHANGE, row.pk)

    def now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keys state, percent, words."""
        access.require(access.sees_evaluations, request.user)
        row = get_object_or_404(Evaluation, pk=pk)
        far = progress(row)
        return JsonResponse({"state": row.state, "percent": far.percent, "words": far.words})

    def texts(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What was written, to be read by people."""
        access.require(access.sees_evaluations, request.user)
        row = get_object_or_404(Evaluation, pk=pk)
        written = row.items.filter(kind=Item.Kind.WRITE, verdict__in=(SHOWN, REFUSED))
        chosen = {
            name: value
            for name in ("level", "locale", "verdict")
            if (value := request.GET.get(name, "")) and value.isalnum()
        }
        if "level" in chosen:
            chosen["level"] = str(row_number(chosen["level"]) or 0)
        written = written.filter(**chosen)
        pages = Paginator(written.order_by("name", "locale", "level"), PAGE)
        # It takes any text for a number of a page.
        found = pages.get_page(request.GET.get("page"))
        title = _("What %(model)s wrote") % {"model": row.model}
        return self.shown(request, "texts", title, row=row, page=found, chosen=chosen)

    def shown(self, request: HttpRequest, name: str, title: str, **more: Any) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": title, "opts": self.opts} | more
        return TemplateResponse(request, f"admin/evaluation/{name}.html", context)
