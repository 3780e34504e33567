"""The local engine: serves the model that is chosen, and changes it without losing a hint."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import tempfile
from contextlib import suppress
from itertools import count
from math import inf
from pathlib import Path
from time import monotonic

from aiohttp import web

from broker.base import gguf
from broker.base.gguf import Served
from broker.base.heartbeat import beater
from broker.base.settings import need
from broker.base.times import PULSE_S, TASK_S
from workers.engine.front import application
from workers.engine.server import Command, Server, command

GRACE_S = 10.0
"""An attempt asks more than once, and names one model to its end; it pauses for less."""
STOP_S = 5.0
log = logging.getLogger(__name__)


class Switch:
    """current: answers now. coming: is being loaded. leaving: finish what was begun."""

    def __init__(self, run: Command = command) -> None:
        self.run = run
        self.home = Path(tempfile.mkdtemp(prefix="hl-"))
        self.numbers = count()
        self.current: Server | None = None
        self.coming: Server | None = None
        self.leaving: list[Server] = []
        self.refused = self.why = ""

    def find(self, model: str) -> Server | None:
        """As front.Find."""
        if not model or (self.current and self.current.model == model):
            return self.current
        still = (each for each in self.leaving if each.child.end_by_s == inf)
        return next((each for each in still if each.model == model), None)

    async def tick(self) -> None:
        """To be called every PULSE_S."""
        self.look()
        self.follow()
        if self.coming and await self.coming.is_ready():
            self.take_over()
        await self.let_go()

    def look(self) -> None:
        """Kills who hangs, and starts again who has died."""
        for server in filter(None, (self.current, self.coming)):
            death = server.look()
            if death:
                log.warning("%s %s", server.child.name, death.text)
            # The default model has nothing in its place, so it is tried for ever.
            if death and server is self.coming and server.model == gguf.chosen():
                self.refused, self.why = server.model, death.how
                self.leave(server)
                self.coming = None
                self.tell()

    def follow(self) -> None:
        """Loads what is to be served and is not."""
        model = gguf.chosen()
        if model != self.refused:
            self.refused = self.why = ""
        wanted = "" if model == self.refused else model
        name = wanted or gguf.default()
        if self.coming and self.coming.model != name:
            self.leave(self.coming)
            self.coming = None
        if self.coming is None and (self.current is None or self.current.model != name):
            file = gguf.folder() / wanted if wanted else gguf.default_file()
            self.coming = Server(name, file, self.home / f"{next(self.numbers)}.sock", self.run)
            log.info("%s is being loaded from %s", name, file)

    def take_over(self) -> None:
        old, self.current, self.coming = self.current, self.coming, None
        if old:
            self.leave(old)
        self.tell()

    def leave(self, server: Server) -> None:
        server.left_s = monotonic()
        self.leaving.append(server)

    async def let_go(self) -> None:
        """Ends the processes of those that leave, once nothing is asked of them any more."""
        for server in [*self.leaving]:
            needed = server.busy or monotonic() - server.asked_s < GRACE_S
            # No attempt lasts longer; whoever still asks is somebody else.
            if needed and monotonic() - server.left_s < TASK_S:
                continue
            if server.child.end_by_s == inf:
                server.child.end(STOP_S)
            server.child.look()
            if server.child.process is None:
                await server.close()
                self.leaving.remove(server)

    def tell(self) -> None:
        if self.current is None:
            return
        log.info("%s is served", self.current.model)
        # A folder that only the site may write leaves it with what it thinks is served.
        with suppress(OSError):
            gguf.serve(Served(self.current.model, self.refused, self.why))

    async def close(self) -> None:
        for server in filter(None, (self.current, self.coming, *self.leaving)):
            await server.stop(STOP_S)
        shutil.rmtree(self.home, ignore_errors=True)


async def serve() -> None:
    """Until SIGTERM or SIGINT."""
    logging.basicConfig(
        level=need("HINTLINE_LOG_LEVEL", str), format="%(asctime)s %(levelname)s %(message)s"
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    switch = Switch()
    # A reader that is gone must stop its model, which else writes on for nobody.
    runner = web.AppRunner(application(switch.find), access_log=None, handler_cancellation=True)
    await runner.setup()
    host, port = need("HINTLINE_LOCAL_HOST", str), need("HINTLINE_LOCAL_PORT", int)
    await web.TCPSite(runner, host, port).start()
    print(f"local model on http://{host}:{port}", flush=True)  # noqa: T201
    beat = beater()
    try:
        while not stopped.is_set():
            beat()
            await switch.tick()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), PULSE_S)
    finally:
        await switch.close()
        await runner.cleanup()
