"""A node's /metrics: the sums of its workers, over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from broker import gauges
from broker.base import metrics
from broker.base.errors import BadSetting, BrokerDown
from broker.base.settings import need, read
from broker.connect import AsyncBroker

PATH = "/metrics"
PORT = "HINTLINE_METRICS_PORT"
log = logging.getLogger(__name__)


@contextmanager
def together() -> Iterator[None]:
    """Metrics made inside are counted with those of the workers that are started inside.

    The folder for it is a new one; without a port to show them on there is none.
    """
    if not need(PORT, int):
        yield
        return
    with TemporaryDirectory(prefix="hintline-metrics-") as folder:
        metrics.share(Path(folder))
        yield


class Exposition:
    """Serves while it is open as an async context, if HINTLINE_METRICS_PORT is not 0."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker, self._port = broker, need(PORT, int)
        self._token = read("HINTLINE_METRICS_TOKEN", str) or ""
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> None:
        """Raises: BadSetting if the port is taken."""
        if not self._port:
            return
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, port=self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise BadSetting(f"{PORT}={self._port}: {error.strerror}") from error
        log.info("metrics on port %d", self._port)

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if not metrics.allowed(request.remote or "", self._token, request.headers.get):
            raise web.HTTPNotFound  # a stranger is not even told that there is a page
        try:
            families = gauges.families(*await self._broker.run_many(gauges.calls()))
        except BrokerDown:
            families = gauges.answering(False)
        # Off the loop, which beats for the whole node: it reads the files of all workers.
        page = await asyncio.to_thread(metrics.page, families)
        return web.Response(body=page, headers={"Content-Type": metrics.CONTENT_TYPE_LATEST})
