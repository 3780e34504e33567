"""Weak ETags of hints: `W/"<state>-<attempt>-<seq>…"`; in flight, without the database."""

from __future__ import annotations

import hashlib

from django.utils.translation import get_language

from broker.streams import Tip
from web.hints import backlog
from web.hints.models import Hint


def of(hint: Hint, tip: Tip | None, position: int | None) -> str:
    """The tag of what is shown now."""
    if not hint.final:
        return in_flight(tip, position)
    # What can still change on a final hint: its rating, and the language of its notice.
    open_part = repr((hint.helpful, hint.comment, get_language()))
    return f'W/"{hint.state}-{hint.attempt}-{hashlib.sha256(open_part.encode()).hexdigest()[:8]}"'


def still_current(hint: str, user: str, asked: str) -> bool:
    """Whether this owner's hint is in flight and has not moved since the tag was given."""
    tip = backlog.tip(hint)
    if tip is None or tip.closed or tip.owner != user:
        return False
    place = backlog.standing(hint)
    return asked == in_flight(tip, place.position if place else None)


def in_flight(tip: Tip | None, position: int | None) -> str:
    if tip is None:
        return f'W/"queued-0-0-{position}"'
    return f'W/"{tip.status}-{tip.id}-{position}"'
