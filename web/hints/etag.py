"""Weak ETags of hints: `W/"<state>-<attempt>-<seq>…"`; in flight, without the database."""

from __future__ import annotations

import hashlib
import re

from django.utils.translation import get_language

from broker.view import View
from web.hints.models import Hint

# Anybody may send any text as a tag: its length is bounded, and only ASCII's digits are digits.
IN_FLIGHT = re.compile(r'W/"((?:queued|running)-\d{1,9}-\d{1,9}-\d{0,9})"', re.ASCII)
FINAL = re.compile(r'W/"[a-z]{1,20}-\d{1,9}-[0-9a-f]{8}"', re.ASCII)


def of(hint: Hint, view: View | None) -> str:
    """The tag of what is shown now. view: None if the hint is final, or the broker is down."""
    if hint.final:
        # What can still change: its rating, and the language of its notice.
        open_part = repr((hint.helpful, hint.comment, hint.reflection, get_language()))
        hashed = hashlib.sha256(open_part.encode()).hexdigest()[:8]
        return f'W/"{hint.state}-{hint.attempt}-{hashed}"'
    return f'W/"{view.mark if view else f"{hint.state}-{hint.attempt}"}"'


def mark(asked: str) -> str:
    """The mark in a tag of a hint in flight; empty for any other text."""
    found = IN_FLIGHT.fullmatch(asked)
    return found[1] if found else ""


def still_current(view: View, user: str, asked: str) -> bool:
    """Whether this owner's hint is in flight and has not moved since the tag was given."""
    return view.owner == user and not view.over and view.mark == mark(asked)
