"""The list of hints: filtered by its address, a page at a time, the newest first."""

from __future__ import annotations

from time import monotonic
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from broker.contract.text import row_number
from web.ops.hints.bounded import OutOfTime
from web.ops.hints.filters import Filters, listed
from web.ops.hints.models import NAME_CHARS, QUERY_CHARS, BulkAction, SavedFilter
from web.ops.hints.suggestions import known
from web.ops.hints.walk import MOST_COUNTED, WALK_S, Position, Stretch, Walk, count, look
from web.people import access
from web.people.models import User

PAGE = 50
COUNT_S = 0.1
MOST_SAVED = 30
OPEN_ACTIONS = 5


@never_cache
@login_required
@require_safe
def hints(request: HttpRequest) -> HttpResponse:
    """For who may see the operations. older, newer: the page's first or last neighbour."""
    access.require(access.sees_operations, request.user)
    user = cast(User, request.user)
    filters = Filters(request.GET)
    told, walk = [*filters.told], Walk()
    for name in ("older", "newer"):
        if word := request.GET.get(name):
            if start := Position.read(word):
                walk = Walk(start, newer=name == "newer")
            else:
                told.append(_("The address names no place in the list; this is its beginning."))
    context = {
        "filters": filters,
        "known": known(),
        "saved": SavedFilter.objects.filter(user=user.pk),
        "open_actions": BulkAction.objects.exclude(state=BulkAction.State.DONE)
        .select_related("by")[:OPEN_ACTIONS],
        "operates": access.operates(user),
        "told": told,
        "name_chars": NAME_CHARS,
        "limit_s": WALK_S,
    }  # fmt: skip
    return render(request, "ops/hints/list.html", context | page(filters, walk))


def page(filters: Filters, walk: Walk) -> dict[str, Any]:
    """The rows, the newest first, with the words of the links to the pages beside this one."""
    began_s = monotonic()
    try:
        rows = filters.rows()
        found = look(walk, listed(rows), PAGE)
    except OutOfTime:
        found = Stretch([], True, stopped=True)
    shown = found.rows[::-1] if walk.newer else found.rows
    # What is all on one page needs no other query to be counted.
    total: int | None = None
    if not walk.start and not found.more:
        total = len(shown)
    elif not found.stopped and monotonic() - began_s < WALK_S / 2:
        total = count(rows, COUNT_S)
    # On a page that is empty, the way back begins where the way here did.
    ahead, behind = found.end, walk.start if not shown else None
    if shown:
        behind = Position.of(shown[-1 if walk.newer else 0]) if walk.start else None
    newer, older = (ahead, behind) if walk.newer else (behind, ahead)
    return {
        "hints": shown,
        "stopped": found.stopped,
        "reached": found.reached,
        "newer": newer,
        "older": older,
        "total": total,
        "many": total is not None and total > MOST_COUNTED,
        "most": MOST_COUNTED,
        "more": found.more,
    }


@never_cache
@login_required
@require_POST
def saved(request: HttpRequest) -> HttpResponse:
    """Keeps a filter under a name, the last one under it, or drops one; then shows the list."""
    access.require(access.sees_operations, request.user)
    user = cast(User, request.user)
    own = SavedFilter.objects.filter(user=user.pk)
    query = Filters(QueryDict(request.POST.get("query", ""))).query
    name = request.POST.get("name", "").strip()
    if dropped := row_number(request.POST.get("drop", "")):
        own.filter(pk=dropped).delete()
    elif 0 < len(name) <= NAME_CHARS and 0 < len(query) <= QUERY_CHARS:
        SavedFilter.objects.update_or_create(user=user, name=name, defaults={"query": query})
        # Of too many the first ones stay.
        kept = [*own.order_by("pk").values_list("pk", flat=True)[:MOST_SAVED]]
        own.exclude(pk__in=kept).delete()
    return HttpResponseRedirect(f"{reverse('ops_hints')}?{query}")
