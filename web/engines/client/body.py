"""The body of a refusal, read no further than it is needed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

import aiohttp
import httpx2

MAX_BYTES = 16 << 10
"""Unpacked; half a megabyte of gzip holds half a gigabyte."""
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
    if not response.is_success:
        raise Answered(response, await beginning(response))


async def beginning(response: httpx2.Response) -> bytes:
    """Whatever breaks on the way, the status counts."""
    body = bytearray()
    with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(MAX_S), aclosing(response.aiter_bytes()) as parts:
            async for part in parts:
                body += part[:MAX_BYTES]
                if len(body) >= MAX_BYTES:
                    break
    return bytes(body[:MAX_BYTES])
