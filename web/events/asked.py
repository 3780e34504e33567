"""What a request for events asks: which hints, and from where on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.contract.events import EventId
from web.api import problem
from web.api.nul import DETAIL, holds_nul
from web.api.problem import Problem
from web.events import frames

MOST_HINTS = 20
INVALID = replace(problem.INVALID, status=400)


@dataclass(frozen=True, slots=True)
class StreamQuery:
    """last: the newest event the client has, of each hint it has any of."""

    hints: tuple[str, ...]
    last: dict[str, EventId]


def read(request: HttpRequest) -> StreamQuery:
    """`hint=ID`, 1 to 20 times; the header Last-Event-ID, or `last=ID` for who cannot set headers.

    Raises: Problem for another method, for a NUL anywhere, or for ids that are none.
    """
    if request.method != "GET":
        raise Problem(problem.METHOD)
    if holds_nul(request):
        raise invalid(DETAIL)
    try:
        query = request.GET
        hints = tuple(dict.fromkeys(frames.hint_id(text) for text in query.getlist("hint")))
    except (ValueError, SuspiciousOperation):
        raise invalid(_("“hint” must be the id of a hint.")) from None
    if not 1 <= len(hints) <= MOST_HINTS:
        raise invalid(_("Ask for 1 to 20 hints: hint=ID&hint=ID."))
    try:
        last = frames.parse_ids(request.headers.get("Last-Event-ID") or query.get("last", ""))
    except ValueError:
        raise invalid(_("The last event id is not one that was sent.")) from None
    return StreamQuery(hints, last)


def invalid(detail: Promise) -> Problem:
    return Problem(INVALID, detail)
