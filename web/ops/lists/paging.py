"""What the page of a list shows: its rows, the newest first, and the way to the pages beside it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from web.ops.lists.address import Address
from web.ops.lists.bounded import OutOfTime
from web.ops.lists.suggestions import known
from web.ops.lists.walk import MOST_COUNTED, WALK_S, Place, Row, Stretch, Way, count, look

PAGE = 50
COUNT_S = 0.1
Listed = Callable[[QuerySet[Row]], QuerySet[Row]]
"""The rows with all that the list shows of each, and no more."""


def listing(
    query: QueryDict,
    filters: Address[Row],
    way: Way[Row, Place],
    listed: Listed[Row],
    most: int = PAGE,
) -> dict[str, Any]:
    """The context of ops/list.html. The query's older and newer: the page's neighbour.

    way: from the newest row, where the query does not say otherwise.
    """
    told = [*filters.told]
    for name in ("older", "newer"):
        if word := query.get(name):
            if start := way.read(word):
                way = type(way)(start, newer=name == "newer")
            else:
                told.append(_("The address names no place in the list; this is its beginning."))
    words = known()
    return {
        "filters": filters,
        "known": {name: words[name] for name in words if name in filters.form.fields},
        "told": told,
        "limit_s": WALK_S,
    } | page(filters, way, listed, most)


def page(
    filters: Address[Row], way: Way[Row, Place], listed: Listed[Row], most: int
) -> dict[str, Any]:
    """The rows, and the words of the links to the pages beside this one."""
    began_s = monotonic()
    try:
        rows = filters.rows()
        found = look(way, listed(rows), most)
    except OutOfTime:
        found = Stretch([], stopped=True)
    shown = found.rows[::-1] if way.newer else found.rows
    # What is all on one page needs no other query to be counted.
    total: int | None = None
    if not way.start and not found.more:
        total = len(shown)
    elif not found.stopped and monotonic() - began_s < WALK_S / 2:
        total = count(rows, COUNT_S)
    # On a page that is empty, the way back begins where the way here did.
    ahead, behind = found.end, way.start if not shown else None
    if shown:
        behind = way.place(shown[-1 if way.newer else 0]) if way.start else None
    newer, older = (ahead, behind) if way.newer else (behind, ahead)
    return {
        "rows": shown,
        "stopped": found.stopped,
        "reached": found.end,
        "newer": newer,
        "older": older,
        "total": total,
        "many": total is not None and total > MOST_COUNTED,
        "most": MOST_COUNTED,
        "more": found.more,
    }
