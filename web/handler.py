"""Django under ASGI, as it runs under gunicorn: a request stays in one of a few threads."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

THREADS = 16
"""As many requests run at once; gunicorn has as many in each process."""


class Handler(ASGIHandler):
    """Threads keep their database connections.

    Django's own handler takes a new thread for each request, and with it a new connection, and
    comes back to the event loop between middlewares and view: all of ours are synchronous.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(THREADS, "request")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # A large body lies in a temporary file, which is closed even if the view breaks.
        with body:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._threads, self.respond, scope, body)
            try:
                await self.send_response(response, send)
            finally:
                # Closing may ask the database, and so belongs into one of the threads.
                if response.streaming:
                    await loop.run_in_executor(self._threads, response.close)

    def respond(self, scope: MutableMapping[str, Any], body: IO[bytes]) -> HttpResponseBase:
        """Django's answer, run in a thread; a stream is still open, any other answer is closed."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase | None = self.get_response(request) if request else refusal
        assert response is not None, "Django gives one of the two"
        if not response.streaming:
            response.close()
        return response
