"""The ASGI app of /v1/events: one request signed in with Django, then a stream without it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from io import BytesIO
from uuid import uuid4

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from web import database
from web.api import problem
from web.api.problem import Problem
from web.api.request_id import HEADER
from web.events import admission, asked, rounds
from web.events.asked import StreamQuery
from web.events.deserted import Deserted
from web.events.feed import Feed, Final
from web.events.hub import Hub
from web.events.seats import Seats
from web.events.stop import on_stop_signal
from web.events.stream import Stream
from web.events.wire import Receive, Scope, Send, reply
from web.people.passes import Pass

SIGN_INS_AT_ONCE = 4
WORK = (
    (Hub.run, 1.0),
    (rounds.show_positions, 1.0),
    (rounds.ask_rows, 5.0),
    (rounds.end_lost, 3.0),
)
"""What goes on beside the streams, each with the seconds until it is done again."""
log = logging.getLogger(__name__)


def tune() -> None:
    """For a process with streams: at 5,000 a default full collection would halt it for 0.3 s."""
    gc.set_threshold(20_000, 50, 100)


class Events:
    """One a process; its hub lives on the loop of the lifespan."""

    def __init__(self) -> None:
        self._seats = Seats(settings.MAX_STREAMS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        # Not in __init__: what this makes belongs to the event loop, which runs only now.
        self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _start(self) -> None:
        self._broker = AsyncBroker()
        self._hub = Hub(self._broker)
        self._signing_in = asyncio.Semaphore(SIGN_INS_AT_ONCE)
        work = (*WORK, (Deserted().end, 5.0))
        self._tasks = [asyncio.create_task(repeat(each, self._hub, rest)) for each, rest in work]
        # The server tells of its shutdown only after the last response has ended.
        on_stop_signal(self._hub.close)

    async def _stop(self) -> None:
        self._hub.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hub.aclose()
        await self._broker.aclose()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only GET is answered, so no body is read.
        request = ASGIRequest(scope, BytesIO())
        try:
            wish = asked.read(request)
            # Asked before the sign-in: a full process refuses without a query.
            self._seats.check()
            if self._hub.down:
                raise Problem(problem.BROKER_DOWN)
            holder, finals = await self._admit(request, wish)
            if await self._has_all(wish, finals):
                await reply(send, HttpResponse(status=204))
                return
            with self._seats.hold(holder.user):
                feed = Feed(wish.hints, wish.last, holder)
                await Stream(self._hub, feed, finals).run(receive, send)
        except Problem as error:
            await reply(send, refusal(request, error))

    async def _admit(
        self, request: HttpRequest, wish: StreamQuery
    ) -> tuple[Pass, dict[str, Final]]:
        try:
            async with self._signing_in:
                return await admission.in_thread(partial(admission.admit, request, wish.hints))
        except Error as error:
            log.exception("the database did not answer a request for events")
            if database.is_down(error):
                raise Problem(problem.DATABASE_DOWN) from None
            raise Problem(problem.INTERNAL) from None

    async def _has_all(self, wish: StreamQuery, finals: dict[str, Final]) -> bool:
        """Whether the client saw the done of every hint: 204 stops a browser from coming back.

        Raises: Problem without Redis.
        """
        if not all(hint in finals and hint in wish.last for hint in wish.hints):
            return False
        try:
            logs = [await self._hub.read(hint, wish.last[hint]) for hint in wish.hints]
        except BrokerDown:
            raise Problem(problem.BROKER_DOWN) from None
        return all(
            wish.last[hint] >= finals[hint].id or log.ends_at(wish.last[hint])
            for hint, log in zip(wish.hints, logs, strict=True)
        )


async def repeat(work: Callable[[Hub], Awaitable[None]], hub: Hub, rest_s: float) -> None:
    """Again and again, also what broke."""
    while True:
        try:
            await work(hub)
        except Exception:  # without this edge one bad message would silence every stream for good
            log.exception("event streams: %s broke and starts again", work)
        await asyncio.sleep(rest_s)


def refusal(request: HttpRequest, error: Problem) -> HttpResponse:
    """The problem in the language of the caller."""
    request.request_id = uuid4().hex  # type: ignore[attr-defined]
    with translation.override(translation.get_language_from_request(request)):
        response = problem.respond(request, error)
    response[HEADER] = request.request_id  # type: ignore[attr-defined]
    response["Content-Length"] = str(len(response.content))
    if error.kind is problem.METHOD:
        response["Allow"] = "GET"
    return response


events = Events()
