"""A Celery app for the pool's tests: its tasks and signals note what they see in a Redis list."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis
from celery import Celery
from celery.backends.redis import RedisBackend
from celery.exceptions import Ignore

from broker.urls import for_celery
from workers.pool.job import AsyncTask
from workers.pool.pool import lifespan

URL = os.environ["POOL_TEST_URL"]
JOURNAL = "journal"
GATE = "gate"
client = redis.Redis.from_url(URL, decode_responses=True)


class FragileBackend(RedisBackend):
    def store_result(self, task_id: str, result: Any, state: str, *args: Any, **kw: Any) -> Any:
        if kw["request"].task == "unstorable":
            raise RuntimeError("the backend is broken")
        return super().store_result(task_id, result, state, *args, **kw)


app = Celery("poolapp", broker=for_celery(URL))
app.conf.update(
    result_backend=f"tests.workers.poolapp:FragileBackend+{URL.replace('unix', 'socket', 1)}",
    worker_pool="workers.pool.pool:AsyncioPool",
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=1.0,
    broker_connection_retry_on_startup=True,
)


def note(text: str) -> None:
    client.rpush(JOURNAL, text)


@lifespan
@asynccontextmanager
async def service() -> AsyncIterator[None]:
    asyncio.get_running_loop()
    note("up")
    yield
    note("down")


met = asyncio.Event()
present = 0


@app.task(name="meet", base=AsyncTask)
async def meet(number: int) -> int:
    """Ends when so many of its kind run at once."""
    global present
    present += 1
    if present == number:
        met.set()
    await met.wait()
    return number


@app.task(name="identify", base=AsyncTask, bind=True)
async def identify(self: AsyncTask, pause_s: float) -> list[str | None]:
    before = self.request.id
    await asyncio.sleep(pause_s)
    inner = await asyncio.create_task(self_id(self))
    return [before, self.request.id, inner]


async def self_id(task: AsyncTask) -> str | None:
    return task.request.id


@app.task(name="wait", base=AsyncTask)
async def wait(name: str) -> None:
    """Without end; tells how it was stopped."""
    note(f"{name} began")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note(f"{name} cancelled")
        raise


@app.task(name="stubborn", base=AsyncTask)
async def stubborn() -> None:
    while not client.exists(GATE):
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


@app.task(name="gated", base=AsyncTask)
async def gated(name: str) -> str:
    note(f"{name} began")
    while not client.exists(GATE):  # noqa: ASYNC110  # the gate is in another process
        await asyncio.sleep(0.02)
    return name


@app.task(name="ignored", base=AsyncTask)
async def ignored() -> None:
    await asyncio.sleep(0)
    note("ignored ran")
    raise Ignore


@app.task(name="unstorable", base=AsyncTask)
async def unstorable() -> None:
    note("unstorable ran")


@app.task(name="failing", base=AsyncTask)
async def failing(how: str) -> None:
    await asyncio.sleep(0)
    if how == "exit":
        raise SystemExit(3)
    raise ValueError(how)


@app.task(name="seven", base=AsyncTask)
async def seven() -> int:
    return 7


@app.task(name="plain")
def plain() -> None:
    note("plain ran")


@app.task(name="block", base=AsyncTask)
async def block(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251  # this is what the watchdog must see
