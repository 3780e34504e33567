"""Ends what is kept longer than it should be, a few rows at a time.

Every node does it once an hour; a lock lets one at a time through.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from broker import keys
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from web.ops import forgetting, retention
from web.ops.forgetting import StillBusy
from web.people import leaving
from workers.database import Database

log = logging.getLogger(__name__)


class Upkeep:
    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker
        # Of its own: nothing else of the node waits for a batch.
        self._database = Database()

    async def once(self) -> None:
        """All that is over now, unless another node is at it."""
        async with self._broker.lock(keys.UPKEEP) as renew:
            if not renew:
                return
            for kind in retention.KINDS:
                total = 0
                while gone := await self._database.run(retention.sweep, kind):
                    total += gone
                    await asyncio.sleep(retention.PAUSE_S)
                    await renew()
                if total:
                    log.info("deleted %d old rows: %s", total, kind.name)
            await self._forget(renew)

    async def _forget(self, renew: Callable[[], Awaitable[object]]) -> None:
        """Whoever has wanted to leave, and whose days are over."""
        # One after the other: whoever has changed their mind meanwhile is due no more.
        for pk in await self._database.run(lambda: [user.pk for user in leaving.due()]):
            user = await self._database.run(leaving.due_still, pk)
            if user is None:
                continue
            try:
                await self._database.run(forgetting.forget, user, log.debug)
            except (BrokerDown, StillBusy) as error:
                log.warning("a student who leaves is still there: %s", type(error).__name__)
            else:
                log.info("a student who wanted to leave is forgotten")
            # It may have taken longer than the lock lasts; then another node goes on.
            await renew()

    def close(self) -> None:
        self._database.close()
