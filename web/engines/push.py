"""Tells the dispatcher which engines may get hints, as soon as a person's change is kept."""

from __future__ import annotations

from django.db import transaction

from broker import fleet
from web.engines import roster
from web.link import attempt


def push() -> None:
    """To be called where engines or the AI mode are saved or deleted."""
    # A lost push is no harm: the node sends the same every few seconds.
    transaction.on_commit(lambda: attempt(fleet.set_engines(roster.active())))
