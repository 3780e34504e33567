"""The models that a server says it has, read within limits: anything may answer at a URL."""

from __future__ import annotations

import httpx2
from aiohttp import ClientError
from jiter import from_json
from openai import DefaultAioHttpClient

from broker.contract.job import Endpoint
from web.engines.client.body import read

MAX_BYTES = 1 << 20
NAME_CHARS = 200


class NoListError(Exception):
    """The server gives no list; the text says why, without what its body says."""


async def listed(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the server's models, cut. Raises: NoListError.

    A redirect is not followed: the key would travel to another host.
    """
    headers = {"Accept-Encoding": "identity"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    url = f"{endpoint.base_url.rstrip('/')}/models"
    try:
        async with (
            DefaultAioHttpClient(follow_redirects=False, timeout=endpoint.connect_s) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise NoListError(f"HTTP {response.status_code}")
            text = bytearray()
            await read(response, text, MAX_BYTES + 1)
    except (httpx2.HTTPError, httpx2.InvalidURL, ClientError, OSError, ValueError) as error:
        # Not the error's text: it may repeat the URL, and what its author put there.
        raise NoListError(type(error).__name__) from None
    if len(text) > MAX_BYTES:
        raise NoListError(f"> {MAX_BYTES} bytes")
    try:
        # {"data": [{"id": …}, …]}
        return tuple(str(model["id"])[:NAME_CHARS] for model in from_json(bytes(text))["data"])
    except (ValueError, LookupError, TypeError):
        raise NoListError("JSON") from None
