"""What a server says of itself, read within limits: anything may answer at a URL."""

from __future__ import annotations

from typing import Any

import httpx2
from aiohttp import ClientError
from jiter import from_json
from openai import DefaultAioHttpClient

from broker.contract.job import Endpoint
from web.engines.client.body import read
from web.tutor.gate.lexis import printable

MAX_BYTES = 1 << 20
NAME_CHARS = 200
VERSION_CHARS = 40


class NoListError(Exception):
    """The server gives no list; the text says why, without what its body says.

    answered: something is there, which does not answer this.
    """

    def __init__(self, why: str, *, answered: bool) -> None:
        super().__init__(why)
        self.answered = answered


async def listed(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the server's models, cut. Raises: NoListError."""
    answer = await said(endpoint, f"{endpoint.base_url.rstrip('/')}/models")
    try:
        # {"data": [{"id": …}, …]}
        return tuple(printable(str(model["id"])[:NAME_CHARS]) for model in answer["data"])
    except (LookupError, TypeError):
        raise NoListError("JSON", answered=True) from None


async def version(endpoint: Endpoint) -> str:
    """As a vLLM server tells it, cut; empty where this one does not."""
    root = endpoint.base_url.rstrip("/").removesuffix("/v1")
    try:
        answer = await said(endpoint, f"{root}/version")
        return printable(f"vLLM {answer['version']}"[:VERSION_CHARS])
    except (NoListError, LookupError, TypeError):
        return ""


async def said(endpoint: Endpoint, url: str) -> Any:
    """The JSON that the server answers with. Raises: NoListError.

    A redirect is not followed: the key would travel to another host.
    """
    headers = {"Accept-Encoding": "identity"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    try:
        async with (
            DefaultAioHttpClient(follow_redirects=False, timeout=endpoint.connect_s) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise NoListError(f"HTTP {response.status_code}", answered=True)
            text = bytearray()
            await read(response, text, MAX_BYTES + 1)
    except (httpx2.HTTPError, httpx2.InvalidURL, ClientError, OSError, ValueError) as error:
        # Not the error's text: it may repeat the URL, and what its author put there.
        raise NoListError(type(error).__name__, answered=False) from None
    if len(text) > MAX_BYTES:
        raise NoListError(f"> {MAX_BYTES} bytes", answered=True)
    try:
        return from_json(bytes(text))
    except ValueError:
        raise NoListError("JSON", answered=True) from None
