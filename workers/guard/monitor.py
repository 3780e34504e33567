"""Looks at every engine once a second: takes dead ones down, probes them, sets their limits, and
keeps what it has seen.

Every node has one; a lock lets one at a time work.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from itertools import chain
from time import monotonic
from typing import Any

import aiohttp

from broker import dispatch, fleet, health, keys, nodes
from broker.base.settings import need
from broker.base.times import TICK_S
from broker.connect import AsyncBroker
from broker.contract.job import Endpoint
from broker.fleet import Load
from broker.health import EngineState, Health
from broker.scripts import Call
from web.engines import roster
from workers.database import Database
from workers.guard.recorder import Recorder
from workers.guard.watch import EngineWatch, Reply

ASK_S = 1.0
PAGE_BYTES = 2 << 20
"""Of a page, unpacked; vLLM's metrics are a tenth of it."""


class Monitor:
    def __init__(self, broker: AsyncBroker, database: Database) -> None:
        self._broker, self._database = broker, database
        self._target_s = need("HINTLINE_TTFT_TARGET_S", float)
        self._watches: dict[str, EngineWatch] = {}
        self._recorder = Recorder(database)

    async def lead(self) -> None:
        """Ticks for as long as the lock is ours; returns at once if somebody else has it."""
        async with self._broker.lock(keys.MONITOR) as renew:
            if not renew:
                return
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ASK_S)) as session:
                while True:
                    # A tick that takes too long loses the lock, and another node leads.
                    await self.tick(session, monotonic())
                    await asyncio.sleep(TICK_S)
                    await renew()

    async def tick(self, session: aiohttp.ClientSession, now_s: float) -> None:
        """One look at every engine. Raises: BrokerDown, DatabaseError."""
        # Also those that are drained: what they still have in flight must not be lost.
        engines = await self._database.run(roster.reachable)
        seen = [health.state(), fleet.snapshot(), dispatch.backlog(), nodes.redis_ms()]
        seen.append(dispatch.waiting_ahead())
        states, loads, backlog, now_ms, ahead = await self._broker.run_many(seen)
        # Made anew, so that an engine that was deleted leaves nothing behind.
        self._watches = {
            row.name: self._watches.get(row.name) or EngineWatch(row.name, self._target_s)
            for row, _ in engines
        }
        found = await asyncio.gather(
            *(
                self.look(session, row.name, row.slots, endpoint, states, loads, now_s)
                for row, endpoint in engines
            )
        )
        if calls := list(chain(*found)):
            await self._broker.run_many(calls)
        await self._recorder.note(now_ms, loads, states, backlog, ahead)

    async def look(
        self,
        session: aiohttp.ClientSession,
        name: str,
        slots: int,
        endpoint: Endpoint,
        states: Mapping[str, Health],
        loads: Mapping[str, Load],
        now_s: float,
    ) -> list[Call[Any]]:
        """What to do about one engine. slots: most at once."""
        watch, base_url = self._watches[name], endpoint.base_url.rstrip("/")
        was = states.get(name, Health())
        watch.tell(was)
        if endpoint.has.metrics:
            server = base_url.removesuffix("/v1")
            alive, metrics = await asyncio.gather(
                ask(session, f"{server}/health"), ask(session, f"{server}/metrics")
            )
            in_flight = loads[name].in_flight if name in loads else 0
            return watch.vllm(now_s, was, alive, metrics, in_flight, slots)
        if was.state is not EngineState.DOWN:
            return []  # without metrics only failed attempts tell that it is not well
        answer = await ask(session, f"{base_url}/models", endpoint.api_key)
        return [health.probe(name)] if answer.alive else []


async def ask(session: aiohttp.ClientSession, url: str, key: str = "") -> Reply:
    """What a GET brings within ASK_S; whatever goes wrong is a Reply, too."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        # Where a redirect leads is not the server that an admin has chosen.
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            return Reply(response.status, await text_of(response))
    except aiohttp.ClientConnectorError as error:
        return Reply(None, refused=error.os_error.errno == errno.ECONNREFUSED)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return Reply(None)


async def text_of(response: aiohttp.ClientResponse) -> str:
    """Empty for a page of more than PAGE_BYTES: half of it would tell half of the truth."""
    page = bytearray()
    async for part in response.content.iter_any():
        page += part
        if len(page) > PAGE_BYTES:
            return ""
    return page.decode(errors="replace")
