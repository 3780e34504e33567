"""Ends hints that no node will ever end: what makes good what is lost lives in the nodes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from time import monotonic

from django.conf import settings
from django.db import Error

from broker import dispatch, nodes, streams
from broker.base.errors import BrokerDown
from broker.base.times import OUTAGE_S, UNKNOWN_S
from broker.contract import events
from broker.contract.hint import Reason, State
from web.events import admission
from web.events.hub import Hub
from web.hints import lookup, store
from web.hints.models import IN_FLIGHT

log = logging.getLogger(__name__)


class Deserted:
    """What one process knows of the nodes. Any number of them may end the same hints at once."""

    def __init__(self) -> None:
        self.lived_at = monotonic()
        """When a node was last known to live; at the start one is given the time to come."""

    async def end(self, hub: Hub) -> None:
        """Ends everything in flight once no node has lived for OUTAGE_S.

        Without Redis that cannot be known; what is past its time to live waits no longer even so.
        """
        try:
            alive = await hub.broker.run(nodes.live())
        except BrokerDown:
            await end_due(hub, settings.HINT_TTL_S, Reason.EXPIRED, (State.QUEUED,))
            return
        if alive:
            self.lived_at = monotonic()
        elif monotonic() - self.lived_at >= OUTAGE_S:
            # No worker outlives its node: a hint that runs has nobody who writes it either.
            await end_due(hub, UNKNOWN_S, Reason.MODEL_UNAVAILABLE, IN_FLIGHT)


async def end_due(hub: Hub, ttl_s: float, reason: Reason, states: Sequence[State]) -> None:
    """Ends what is in one of these states and older than that: the row, then its stream."""
    try:
        ended = await admission.in_thread(partial(end_rows, ttl_s, reason, states))
    except Error as error:
        log.warning("hints that nobody serves cannot be ended: %s", error)
        return
    if not ended:
        return
    log.warning("no node is alive: %d hints ended without a model", len(ended))
    calls = []
    for hint in ended:
        calls += [streams.close(hint, 0, events.done(State.FAILED, reason)), dispatch.forget(hint)]
    try:
        await hub.broker.run_many(calls)
    except BrokerDown:
        return  # whoever follows them is shown the rows


def end_rows(ttl_s: float, reason: Reason, states: Sequence[State]) -> list[str]:
    """The hints that were ended."""
    due = lookup.due_to_expire(ttl_s, states)
    return [hint for hint in due if store.expire(hint, reason, states)]
