"""The list of hints: filtered by its address, a page at a time, the newest first."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from broker.contract.text import row_number
from web.ops.hints.filters import Filters, listed
from web.ops.hints.models import NAME_CHARS, BulkAction, SavedFilter
from web.ops.hints.walk import Walk
from web.ops.lists.address import QUERY_CHARS
from web.ops.lists.paging import PAGE, listing
from web.people import access
from web.people.models import User

MOST_SAVED = 30
OPEN_ACTIONS = 5


@never_cache
@login_required
@require_safe
def hints(request: HttpRequest) -> HttpResponse:
    """For who may see the operations."""
    access.require(access.sees_operations, request.user)
    user = cast(User, request.user)
    context = {
        "title": _("Hints"),
        "saved": SavedFilter.objects.filter(user=user.pk),
        "open_actions": BulkAction.objects.exclude(state=BulkAction.State.DONE)
        .select_related("by")[:OPEN_ACTIONS],
        "operates": access.operates(user),
        "name_chars": NAME_CHARS,
    }  # fmt: skip
    shown = listing(request.GET, Filters(request.GET), Walk(), listed, PAGE)
    return render(request, "ops/hints/list.html", context | shown)


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
