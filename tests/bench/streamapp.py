"""The Celery app of the stream bench: each task reads one stream and keeps nothing."""

from __future__ import annotations

import os

from celery import Celery

from broker.contract.job import Endpoint, Sampling
from broker.urls import for_celery
from web.engines.client.model import Model
from workers.pool.job import AsyncTask

model = Model()
app = Celery("streamapp", broker=for_celery(os.environ["BENCH_REDIS"]))
app.conf.update(
    task_ignore_result=True,
    task_default_queue="bench",
    worker_pool="workers.pool.pool:AsyncioPool",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


async def read_one(url: str) -> int:
    """Characters of one answer."""
    endpoint = Endpoint(base_url=url, model="fake")
    messages = [{"role": "user", "content": "x" * 2000}]
    size = 0
    async for chunk in model.stream(endpoint, Sampling(), messages, "bench"):
        size += len(chunk.text)
    return size


@app.task(name="read", base=AsyncTask)
async def read(url: str) -> int:
    return await read_one(url)
