"""The body of a server's answer, read no further than is needed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

import aiohttp
import httpx2

MAX_BYTES = 16 << 10
"""Of a refusal, unpacked; half a megabyte of gzip holds half a gigabyte."""
MAX_S = 3.0
"""For an error that comes byte by byte; then what has come is all of it."""


class Answered(Exception):
    """The server answered, but not with success. body: its first MAX_BYTES."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__(f"status {response.status_code}")
        self.status, self.headers, self.body = response.status_code, response.headers, body
        self.url = response.url


async def refuse(response: httpx2.Response) -> None:
    """For httpx's hook on responses: the openai client reads an error to its end, however long.

    Raises: Answered, also for a redirect, so that no prompt travels to another host.
    """
    if response.is_success:
        return
    body = bytearray()
    # An error on the way only ends the body: the status is known.
    with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(MAX_S):
            await read(response, body, MAX_BYTES)
    raise Answered(response, bytes(body))


async def read(response: httpx2.Response, body: bytearray, most: int) -> None:
    """Appends to `body` until it has `most` bytes, unpacked; an error leaves what came before it.

    httpx unpacks in small pieces, so no more is ever unpacked than one piece too much.
    """
    async with aclosing(response.aiter_bytes()) as parts:
        async for part in parts:
            body += part[: most - len(body)]
            if len(body) == most:
                break
