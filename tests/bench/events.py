"""What an open event stream costs: memory, threads, and an event's way from Redis to a browser.

python -m tests.bench.events prints it. The reference is a bare subscriber under the same load.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import psutil
import uvloop

from broker import nodes, streams
from broker.connect import AsyncBroker, listener
from broker.contract.events import EventKind
from broker.embedded import Embedded
from broker.nodes import NodeState
from tests.bench.table import Row, at
from tests.web.events.site import Site, plant

STREAMS = 1000
ACTIVE = 200
EVENTS_S = 200
SECONDS = 10
WARM_UP = 40
SETTLE_S = 2.0
DEADLINE_S = 180
TEXT = "반복문의 마지막 값을 손으로 따라가 보세요. "

Owned = tuple[str, str]
"""A hint, and its owner's API token."""


def measure(count: int = STREAMS) -> dict[str, float]:
    """Of one web process with so many open streams; latencies in ms from before the append."""
    with tempfile.TemporaryDirectory(prefix="hl-") as name, Embedded(Path(name)) as redis:
        folder = Path(name)
        plant(folder, "tests.bench.crowd", str(count))
        site = Site(folder, redis.url, HINTLINE_MAX_STREAMS=str(count))
        site.start()
        try:
            return uvloop.run(measured(site, redis.url))
        finally:
            site.stop()


async def measured(site: Site, redis_url: str) -> dict[str, float]:
    owned = [tuple(pair) for pair in site.planted["owned"]]
    broker = AsyncBroker(redis_url)
    server = psutil.Process(site.process.pid)
    try:
        async with opened(site, owned[:WARM_UP]):
            pass
        await asyncio.sleep(SETTLE_S)
        idle_bytes, idle_threads = server.memory_info().rss, server.num_threads()
        began_s = time.perf_counter()
        async with opened(site, owned) as lags:
            open_s = time.perf_counter() - began_s
            await asyncio.sleep(SETTLE_S)
            open_bytes, open_threads = server.memory_info().rss, server.num_threads()
            active = [hint for hint, _ in owned[:: max(1, len(owned) // ACTIVE)]][:ACTIVE]
            cpu_s = sum(server.cpu_times()[:2])
            # A site where no node has lived for long ends its hints.
            await broker.run(nodes.beat("node", "token", NodeState(None)))
            await publish(broker, active, lags)
            cpu_s = sum(server.cpu_times()[:2]) - cpu_s
        await broker.client.flushall()
        bare = await bare_lags(broker, redis_url, active)
    finally:
        await broker.aclose()
    return {
        "streams": len(owned),
        "kb_each": (open_bytes - idle_bytes) / len(owned) / 1024,
        "threads_idle": idle_threads,
        "threads_open": open_threads,
        "open_ms_each": open_s / len(owned) * 1000,
        "events": len(lags),
        "p50_ms": at(lags, 0.5),
        "p99_ms": at(lags, 0.99),
        "bare_p50_ms": at(bare, 0.5),
        "bare_p99_ms": at(bare, 0.99),
        "p99_to_bare": at(lags, 0.99) / at(bare, 0.99),
        "cpu_percent": cpu_s / SECONDS * 100,
    }


class Browser(asyncio.Protocol):
    """One connection that notes when each event arrives. lags: filled in ms."""

    def __init__(self, hint: str, token: str, lags: list[float]) -> None:
        self.request = (
            f"GET /v1/events?hint={hint} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        self.lags, self.rest = lags, b""
        self.open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request.encode())

    def data_received(self, data: bytes) -> None:
        if not self.open.done():
            self.rest += data
            if b": ok\n\n" in self.rest:
                self.open.set_result(None)
                self.rest = b""
            elif b"\r\n\r\n" in self.rest and b" 200 " not in self.rest[:20]:
                self.open.set_exception(RuntimeError(self.rest.decode()))
            return
        *frames, self.rest = (self.rest + data).split(b"\n\n")
        self.lags.extend(lag_ms(frame) for frame in frames if b'"sent_ns":' in frame)


@asynccontextmanager
async def opened(site: Site, owned: Sequence[Owned]) -> AsyncIterator[list[float]]:
    """So many streams, all of them open; yields where the lags of their events gather."""
    lags: list[float] = []
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(32)

    async def open_one(hint: str, token: str) -> Browser:
        async with gate:
            make = Browser(hint, token, lags)
            await loop.create_connection(lambda: make, "127.0.0.1", site.port)
            await make.open
            return make

    async with asyncio.timeout(DEADLINE_S):
        browsers = await asyncio.gather(*[open_one(*pair) for pair in owned])
    try:
        yield lags
    finally:
        for browser in browsers:
            browser.transport.close()


async def publish(broker: AsyncBroker, hints: Sequence[str], lags: list[float]) -> None:
    """EVENTS_S events a second, in turn; returns when all have arrived."""
    loop = asyncio.get_running_loop()
    began_s, sent = loop.time(), 0
    while sent < EVENTS_S * SECONDS:
        due = min(int((loop.time() - began_s) * EVENTS_S), EVENTS_S * SECONDS)
        calls = [
            streams.append(
                hints[n % len(hints)], 1, n // len(hints) + 1, [(EventKind.PIECE, piece())]
            )
            for n in range(sent, due)
        ]
        if calls:
            await broker.run_many(calls)
        sent = due
        await asyncio.sleep(0.002)
    await arrived(lambda: len(lags) >= sent)


async def bare_lags(broker: AsyncBroker, redis_url: str, hints: Sequence[str]) -> list[float]:
    """The same load, heard by a subscriber in this process."""
    lags: list[float] = []
    async with listener(redis_url).pubsub() as pubsub:
        await pubsub.subscribe(*[streams.channel(hint) for hint in hints])

        async def listen() -> None:
            async for message in pubsub.listen():
                if message["type"] == "message":
                    lags.append(lag_ms(message["data"]))

        listening = asyncio.create_task(listen())
        await publish(broker, hints, lags)
        listening.cancel()
    return lags


async def arrived(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not met():  # noqa: ASYNC110  # an event loop callback fills it, without a signal
            await asyncio.sleep(0.01)


def piece() -> str:
    return json.dumps({"text": TEXT, "sent_ns": time.time_ns()}, ensure_ascii=False)


def lag_ms(frame: bytes) -> float:
    sent_ns = int(frame.rpartition(b'"sent_ns":')[2].strip().rstrip(b"}"))
    return (time.time_ns() - sent_ns) / 1e6


def rows() -> list[Row]:
    return [(name, f"{value:.2f}", "", "") for name, value in measure().items()]


if __name__ == "__main__":
    for cells in rows():
        print(*cells[:2], sep="  ")
