"""One real Valkey for the whole run, emptied for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from broker.connect import AsyncBroker, Broker
from broker.embedded import Embedded


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty folder with a short path: pytest's own may be too long for a Unix socket."""
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
def broker(valkey: Embedded) -> Iterator[Broker]:
    client = Broker(valkey.url)
    client.client.flushall()
    yield client
    client.close()


@pytest_asyncio.fixture
async def async_broker(broker: Broker, valkey: Embedded) -> AsyncIterator[AsyncBroker]:
    client = AsyncBroker(valkey.url)
    yield client
    await client.aclose()
