"""The whole web app as one uvicorn process on a real socket, and a client for its event streams."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from tests.web.events.reading import DEADLINE_S, Frame, parse

STOP_S = 30
PLANTED = "planted.json"


def environment(folder: Path) -> dict[str, str]:
    """Ours, with nobody else's settings."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HINTLINE_")}
    own = {"HINTLINE_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "web.settings"}
    return kept | own


def plant(folder: Path, *program: str) -> None:
    """Fills the folder's database by a module and its arguments; what it prints is kept beside."""
    command = [sys.executable, "-m", *program]
    with (folder / PLANTED).open("wb") as planted:
        subprocess.run(command, env=environment(folder), check=True, stdout=planted)


class Site:
    """Serves a folder that was planted.

    planted: cookies, tokens and hints by user name; the hints are taken one by one.
    """

    def __init__(self, folder: Path, redis_url: str, **settings: str) -> None:
        self.folder = folder
        self.env = environment(folder) | {"REDIS_URL": redis_url} | settings
        self.planted = json.loads((folder / PLANTED).read_text())
        self.port = 0

    def start(self) -> None:
        # The server inherits a listening socket: the port is known, and who is early just waits.
        with socket.socket() as listener, (self.folder / "log").open("wb") as log:
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            self.port = listener.getsockname()[1]
            options = ["--no-access-log", "--timeout-graceful-shutdown", str(STOP_S)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "web.asgi:application", *options,
                 "--fd", str(listener.fileno())],
                env=self.env, pass_fds=[listener.fileno()], stdout=log, stderr=log,
            )  # fmt: skip

    @contextmanager
    def started(self) -> Iterator[Self]:
        """Runs at most for the block, however that ends."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> int:
        """The exit status after SIGTERM. Raises: TimeoutExpired."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def hint(self, name: str = "amy") -> str:
        """One that no other test uses, queued."""
        return str(self.planted["hints"][name].pop())

    def set_row(self, hint: str, **columns: str | int) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        id = hint.replace("-", "")
        with closing(sqlite3.connect(self.folder / "hintline.sqlite3", timeout=10)) as database:
            statement = f"UPDATE hints_hint SET {names} WHERE id = ?"  # noqa: S608
            changed = database.execute(statement, [*columns.values(), id]).rowcount
            database.commit()
        assert changed == 1

    def act(self, *calls: tuple[str, ...]) -> None:
        """Runs functions of tests.web.events.acts, as another of the site's processes would.

        calls: a name and its arguments, each.
        """
        code = (
            "import django, json, sys\ndjango.setup()\n"
            "from tests.web.events import acts\n"
            "for name, *arguments in json.loads(sys.argv[1]):\n"
            "    getattr(acts, name)(*arguments)"
        )
        command = [sys.executable, "-c", code, json.dumps(calls)]
        subprocess.run(command, env=self.env, check=True)

    def cookie(self, name: str) -> dict[str, str]:
        return {"Cookie": self.planted["cookies"][name]}

    @asynccontextmanager
    async def get(
        self, query: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> AsyncIterator[Response]:
        """Signed in as amy unless headers are given."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        sent = self.cookie("amy") if headers is None else headers
        lines = [f"{method} /v1/events?{query} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield await Response.of(reader)
        finally:
            writer.close()


class Response:
    """status, headers (lower-case names), and the body as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers
        self.content = b""
        self._reader = reader

    @classmethod
    async def of(cls, reader: asyncio.StreamReader) -> Response:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        return cls(reader, int(first.split()[1]), headers)

    @property
    def frames(self) -> list[Frame]:
        return parse(self.content)

    @property
    def last(self) -> str:
        return next(frame.id for frame in reversed(self.frames) if frame.id)

    def seen(self) -> list[str]:
        return [str(frame) for frame in self.frames]

    async def has(self, text: bytes) -> None:
        """Reads until the body holds the text."""
        while text not in self.content:
            assert await self._chunk(), self.content

    async def end(self) -> list[str]:
        """Reads to the proper end of the stream."""
        while await self._chunk():
            pass
        return self.seen()

    async def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found = json.loads(await self._reader.readexactly(int(self.headers["content-length"])))
        assert found["status"] == self.status
        return dict(found)

    async def _chunk(self) -> bool:
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        self.content += (await self._reader.readexactly(size + 2))[:-2]
        return size > 0
