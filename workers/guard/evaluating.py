"""Takes evaluations of models forward, beside the work of a node."""

from __future__ import annotations

import logging

from broker import keys
from broker.connect import AsyncBroker
from web.evaluation import creation
from web.evaluation.driver import Driver, running
from workers.attempt.mishap import passes, where
from workers.database import Database

log = logging.getLogger(__name__)


class Evaluating:
    """Every node does it; a lock lets one at a time through."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker
        # Of its own: a round may wait for a judge, and nothing else of the node may wait with it.
        self._database = Database()
        self._driver = Driver()

    async def once(self) -> None:
        """A round, if there is anything to do. Raises: BrokerDown, DatabaseError."""
        if not await self._database.run(running):
            return
        async with self._broker.lock(keys.EVALUATION) as ours:
            if not ours:
                return
            try:
                await self._database.run(self._driver.round)
            except Exception as error:
                if passes(error):
                    raise
                # A mistake of ours here must not end a node that serves students.
                log.error("the evaluation is stopped: %s", where(error))
                await self._database.run(creation.stop_all, where(error))

    def hurry(self) -> None:
        """The node stops: the round that runs asks nothing more."""
        self._driver.hurry()

    async def close(self) -> None:
        self.hurry()
        # In its own thread, whose loop the judge's connections belong to.
        await self._database.run(self._driver.close)
        self._database.close()
