"""The address of the local engine: passes each request on to the server of the model it names.

So a model can be changed while others are written: what was begun ends at its own server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from workers.engine.server import Server

BODY_BYTES = 1 << 20
NAME_CHARS = 200
# Of one connection each (RFC 9110, 7.6.1), or set anew by whoever sends.
OWN = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "host", "content-length",
})  # fmt: skip
Find = Callable[[str], Server | None]
"""The server of the model of this name, for "" of the current one; None: there is none."""


def application(find: Find) -> web.Application:
    app = web.Application(client_max_size=BODY_BYTES)
    front = Front(find)
    app.router.add_route("*", "/{path:.*}", front.answer)
    return app


class Front:
    def __init__(self, find: Find) -> None:
        self.find = find

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        model = named(body)
        server = self.find(model)
        if server is None and self.find("") is None:
            return refusal(503, "No model is loaded yet.")
        if server is None:
            return refusal(404, f"The model `{model[:NAME_CHARS]}` is not served here.", "model")
        with server.asked():
            return await passed_on(request, body, server)


async def passed_on(request: web.Request, body: bytes, server: Server) -> web.StreamResponse:
    """Piece by piece, as it comes. An answer that breaks off breaks off here too."""
    url = request.url.with_scheme("http").with_host("model").with_port(None)
    asked = server.session.request(
        request.method, url, data=body or None, headers=kept(request.headers), allow_redirects=False
    )
    response: web.StreamResponse | None = None
    try:
        async with asked as answer:
            response = web.StreamResponse(status=answer.status, headers=kept(answer.headers))
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response
    except aiohttp.ClientError:
        if response is None:
            return refusal(502, "The model's server does not answer.")
        # A proper end would make a whole answer of it.
        if request.transport:
            request.transport.abort()
        return response


def named(body: bytes) -> str:
    """The model that a request names; "" if it names none, or is none that can be read."""
    try:
        asked = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return ""
    model = asked.get("model", "") if isinstance(asked, dict) else ""
    return model if isinstance(model, str) else ""


def kept(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in OWN]


def refusal(status: int, message: str, param: str | None = None) -> web.Response:
    """As OpenAI's API says it."""
    code = "model_not_found" if param else None
    error: dict[str, Any] = {
        "message": message, "type": "invalid_request_error", "param": param, "code": code
    }  # fmt: skip
    return web.json_response({"error": error}, status=status)
