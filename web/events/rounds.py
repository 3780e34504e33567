"""What is asked once for all streams: positions in the backlog, and the rows of quiet hints."""

from __future__ import annotations

import logging
from collections import defaultdict
from functools import partial

from django.db import Error

from broker import dispatch
from broker.base.errors import BrokerDown
from broker.dispatch import Phase
from web.events import admission
from web.events.admission import Follower
from web.events.feed import Stage, Watch
from web.events.hub import Hub

log = logging.getLogger(__name__)


async def show_positions(hub: Hub) -> None:
    """Tells the streams of waiting hints where they stand, whenever that changed."""
    waiting = [watch for watch in hub.watches() if watch.waiting and watch.stage is Stage.LIVE]
    if not waiting:
        return
    try:
        standing = await hub.broker.run(dispatch.standing({watch.hint for watch in waiting}))
    except BrokerDown:
        return  # the hub tells, and tries again
    for watch in waiting:
        at = standing.get(watch.hint)
        if at is not None and at.phase is Phase.WAITING:
            watch.stand(at.queue_position, at.eta_s)


async def ask_rows(hub: Hub) -> None:
    """Ends hints with a final row and a silent log: it expired, or Redis was wiped."""
    watches = list(hub.watches())
    quiet = {watch.hint for watch in watches if watch.quiet and watch.stage is not Stage.OVER}
    for watch in watches:
        # A watch that hears an event before the next round is no longer quiet.
        watch.quiet = True
    if not quiet:
        return
    try:
        finals = await admission.in_thread(partial(admission.ended, quiet))
    except Error as error:
        log.warning("rows of %d quiet hints cannot be read: %s", len(quiet), error)
        return
    for watch in watches:
        if watch.hint in finals:
            watch.conclude(finals[watch.hint])


async def end_lost(hub: Hub) -> None:
    """Ends what somebody may not follow any more: signed out, out of the course, hint deleted."""
    followers: defaultdict[Follower, list[Watch]] = defaultdict(list)
    for watch in hub.watches():
        if watch.stage is not Stage.OVER:
            followers[Follower(watch.feed.holder, watch.hint)].append(watch)
    if not followers:
        return
    try:
        lost = await admission.in_thread(partial(admission.lost, list(followers)))
    except Error as error:
        log.warning("the access of %d streams cannot be checked: %s", len(followers), error)
        return
    for each, why in lost.items():
        for watch in followers[each]:
            watch.lose(why.name)
