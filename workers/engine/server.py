"""The process that serves one model, and what is being asked of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from time import monotonic

import aiohttp

from broker.base.children import Child, Death

Command = Callable[[str, str, str], Sequence[str]]
"""What runs for a model's name, its file, and the path of its socket."""
ASK_S = 2.0


def command(model: str, file: str, socket: str) -> Sequence[str]:
    return [sys.executable, "-m", "workers.engine.local", model, file, socket]


class Server:
    """busy: requests that it has not answered whole. asked_s: when one last began or ended.

    left_s: since when another one answers in its place; inf: none does.
    """

    def __init__(self, model: str, file: Path, socket: Path, run: Command) -> None:
        self.model, self.socket = model, socket
        self.child = Child(f"model {model}", run(model, str(file), str(socket)))
        self.session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            # Whoever asks has time-outs of its own, and closes its connection.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        self.busy = 0
        self.asked_s = monotonic()
        self.left_s = inf

    def look(self) -> Death | None:
        """Kills its process if that hangs, and starts it again if it has ended."""
        death = self.child.look()
        if death is None and self.child.process is None:
            # A process that was killed leaves it behind, and the next one could not have it.
            self.socket.unlink(missing_ok=True)
            death = self.child.revive()
        return death

    async def is_ready(self) -> bool:
        """Whether its model is loaded."""
        try:
            timeout = aiohttp.ClientTimeout(ASK_S)
            async with self.session.get("http://model/health", timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Around one request."""
        self.busy += 1
        self.asked_s = monotonic()
        try:
            yield
        finally:
            self.busy -= 1
            self.asked_s = monotonic()

    async def stop(self, within_s: float) -> None:
        self.child.stop(within_s)
        await self.close()

    async def close(self) -> None:
        """To be called after its process has ended."""
        await self.session.close()
        self.socket.unlink(missing_ok=True)
