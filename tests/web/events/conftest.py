"""A real Valkey, and a hub on it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from broker import nodes
from broker.connect import AsyncBroker
from broker.embedded import Embedded
from broker.nodes import NodeState
from web.events.hub import Hub


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because a Unix socket's path is limited."""
    path = Path(tempfile.mkdtemp(prefix="hl-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Embedded]:
    path = Path(tempfile.mkdtemp(prefix="hl-"))
    with Embedded(path) as server:
        yield server
    shutil.rmtree(path)


@pytest.fixture
async def broker(valkey: Embedded) -> AsyncIterator[AsyncBroker]:
    client = AsyncBroker(valkey.url)
    await client.client.flushall()
    # A site where no node has lived for long ends its hints.
    await client.run(nodes.beat("node", "token", NodeState(None)))
    yield client
    await client.aclose()


@pytest.fixture
async def hub(valkey: Embedded, broker: AsyncBroker) -> AsyncIterator[Hub]:
    hub = Hub(broker, valkey.url)
    running = asyncio.create_task(hub.run())
    yield hub
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await hub.aclose()
