"""ASGI as this app speaks it: the shape of the three arguments, and how answers go out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from django.http import HttpResponse

from web.people.private import PRIVATE

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """Sends the status and headers; the body must follow."""
    raw = [
        (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def body(send: Send, content: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})


async def reply(send: Send, response: HttpResponse) -> None:
    """A whole answer at once."""
    response["Cache-Control"] = PRIVATE
    await start(send, response.status_code, dict(response.items()))
    await body(send, response.content, more=False)
