"""HTTP/1.1 as the fake engines read it: one request at a time on a connection that is kept."""

from __future__ import annotations

import asyncio
from time import time
from typing import cast


class HttpConnection(asyncio.Protocol):
    """A subclass answers in route(); header names are in lower case."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.asked_s = 0.0
        """When the first bytes of the request came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self.asked_s = time()
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        stop = end + 4 + int(headers.get("content-length", 0))
        if len(self._buffer) >= stop:
            body = bytes(self._buffer[end + 4 : stop])
            del self._buffer[:stop]
            method, path, _ = first.split(" ", 2)
            self.route(method, path, headers, body)

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        raise NotImplementedError
