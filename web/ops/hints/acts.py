"""The pages of what is done to all hints that match: what it would be, and how far it is."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from web.hints.models import Hint
from web.ops.hints import bulk
from web.ops.hints.filters import Filters, listed
from web.ops.hints.models import BulkAction
from web.ops.hints.walk import Position, Walk
from web.ops.lists.bounded import OutOfTime
from web.ops.lists.walk import MOST_COUNTED, Stretch, count, look
from web.people import access
from web.people.models import User

SAMPLE = 10
TURNS = {"stop": BulkAction.State.STOPPED, "go_on": BulkAction.State.RUNNING}
EXPORT = "export"
COUNT_S = 0.3
TITLES = {
    EXPORT: _lazy("Export all that match"),
    BulkAction.Kind.CANCEL: _lazy("Cancel all that match"),
    BulkAction.Kind.DELETE: _lazy("Delete all that match"),
    BulkAction.Kind.AGAIN: _lazy("Ask again for all that match"),
}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest) -> HttpResponse:
    """What it would be done to; POST begins it. do: the action, beside the list's filters."""
    sent = request.POST if request.method == "POST" else request.GET
    kind = sent.get("do", "")
    rule = access.sees_operations if kind == EXPORT else access.operates
    access.require(rule, request.user)
    filters = Filters(sent)
    # Without a filter it would be every hint that there is, which nobody asks for by one click.
    if kind not in (EXPORT, *bulk.STATES) or not filters.query or filters.told:
        return HttpResponseRedirect(f"{reverse('ops_hints')}?{filters.query}")
    found: Stretch[Hint, Position] = Stretch([], stopped=True)
    total: int | None = None
    try:
        if request.method == "POST" and kind != EXPORT:
            row = bulk.begin(cast(User, request.user), kind, filters)
            return HttpResponseRedirect(reverse("ops_hints_action", args=[row.pk]))
        rows = filters.rows() if kind == EXPORT else bulk.concerned(kind, filters)
        found = look(Walk(), listed(rows), SAMPLE)
        total = len(found.rows) if not found.more else count(rows, COUNT_S)
    except OutOfTime:
        pass
    context = {
        "kind": kind,
        "title": TITLES[kind],
        "filters": filters,
        "hints": found.rows,
        "none": not found.rows and not found.stopped,
        "total": total,
        "many": total is not None and total > MOST_COUNTED,
        "most": MOST_COUNTED,
        "operates": access.operates(request.user),
    }
    return render(request, "ops/hints/act.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def action(request: HttpRequest, action_id: int) -> HttpResponse:
    """How far it is. POST does the next part and answers JSON, or stops it, or lets it go on."""
    access.require(access.operates, request.user)
    row = get_object_or_404(BulkAction, pk=action_id)
    if request.method != "POST":
        context = {"action": row, "filters": Filters(QueryDict(row.query)), "now": now(row)}
        return render(request, "ops/hints/action.html", context)
    turned = [to for name, to in TURNS.items() if name in request.POST]
    if not turned:
        bulk.step(action_id)
        row.refresh_from_db()
        return JsonResponse(now(row))
    bulk.turn(cast(User, request.user), row, turned[0])
    return HttpResponseRedirect(reverse("ops_hints_action", args=[action_id]))


def now(row: BulkAction) -> dict[str, str | int | bool | None]:
    """What the page shows of it, and asks for again and again."""
    counts = {"done": f"{row.done:,}", "failed": f"{row.failed:,}"}
    if row.total is None:
        text = _("%(done)s done, %(failed)s left out.") % counts
    else:
        counts["total"] = f"{row.total:,}"
        text = _("%(done)s of %(total)s done, %(failed)s left out.") % counts
    return {
        "state": row.state,
        "label": row.get_state_display(),
        "running": row.state == BulkAction.State.RUNNING,
        "text": text,
        "passed": row.done + row.failed,
        "total": row.total,
    }
