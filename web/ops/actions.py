"""The log of what people did: who changed, deleted or read what, and when.

Django's admin writes it, and so does each page and command of ours that acts.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.decorators import login_required
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from broker.contract.text import row_number, storable
from web.ops.lists.bounded import OutOfTime, within
from web.people import access

PAGE = 50
MOST_CHARS = 100
SEARCH_S = 0.5
"""For words that no index has."""
DID = {
    ADDITION: gettext_lazy("added"),
    CHANGE: gettext_lazy("changed or read"),
    DELETION: gettext_lazy("deleted"),
}


@never_cache
@login_required
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The newest first. The query has the filters: who, did, what, words; and before, a number."""
    access.require(access.sees_operations, request.user)
    asked = {name: typed(request.GET, name) for name in ("who", "did", "what", "words")}
    rows = matching(asked).select_related("user", "content_type").order_by("-pk")
    if before := row_number(request.GET.get("before", "")):
        rows = rows.filter(pk__lt=before)
    found, stopped = list[LogEntry](), False
    try:
        with within(SEARCH_S):
            # One more than is shown tells whether there are older ones, without counting them.
            found = list(rows[: PAGE + 1])
    except OutOfTime:
        stopped = True
    shown = found[:PAGE]
    older = QueryDict(mutable=True)
    older.update({name: text for name, text in asked.items() if text})
    if len(found) > PAGE:
        older["before"] = str(shown[-1].pk)
    context = {
        "entries": [told(entry) for entry in shown],
        "asked": asked,
        "did": [(str(flag), label) for flag, label in DID.items()],
        "tables": sorted(
            ((str(table.pk), table.name) for table in tables()), key=lambda table: table[1]
        ),
        "older": older.urlencode() if "before" in older else "",
        "stopped": stopped,
        "days": settings.ACTION_DAYS,
        "filtered": any(asked.values()) or bool(before),
    }
    return render(request, "ops/log.html", context)


def typed(query: QueryDict, name: str) -> str:
    return storable(query.get(name, "").strip())[:MOST_CHARS]


def matching(asked: dict[str, str]) -> QuerySet[LogEntry]:
    rows = LogEntry.objects.all()
    if asked["who"]:
        rows = rows.filter(user__username__istartswith=asked["who"])
    if asked["did"] in {str(flag) for flag in DID}:
        rows = rows.filter(action_flag=int(asked["did"]))
    if table := row_number(asked["what"]):
        rows = rows.filter(content_type=table)
    if words := asked["words"]:
        rows = rows.filter(Q(object_repr__icontains=words) | Q(change_message__icontains=words))
    return rows


def tables() -> QuerySet[ContentType]:
    """Those of which the log has anything."""
    return ContentType.objects.filter(pk__in=LogEntry.objects.values("content_type"))


def told(entry: LogEntry) -> dict[str, Any]:
    return {
        "at": entry.action_time,
        "who": entry.user.get_username(),
        "did": DID.get(entry.action_flag, ""),
        "what": entry.content_type.name if entry.content_type else "",
        "which": entry.object_repr,
        "words": entry.get_change_message() or "–",
    }
