"""A request under ASGI: one thread, and the connection that the thread keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from threading import Barrier, current_thread
from typing import Any

import pytest
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from web import handler
from web.handler import Handler

seen: list[Any] = []
meeting = Barrier(2, timeout=10)


def note(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def middleware(request: HttpRequest) -> Any:
        seen.append(current_thread().name)
        return get_response(request)

    return middleware


def view(request: HttpRequest) -> HttpResponse:
    seen.append(current_thread().name)
    return HttpResponse(request.body)


def meet(request: HttpRequest) -> HttpResponse:
    meeting.wait()
    return HttpResponse("met")


def query(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    seen.append(connection.connection)
    return HttpResponse("asked")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        try:
            yield from ("a", "b")
        finally:
            seen.append("closed")

    return StreamingHttpResponse(parts())


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [
    path("view", view),
    path("meet", meet),
    path("query", query),
    path("stream", stream),
    path("broken", broken),
]
pytestmark = [
    pytest.mark.urls(__name__),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous"),
]


@pytest.fixture
def site(settings: Any) -> Iterator[Handler]:
    settings.MIDDLEWARE = [f"{__name__}.note", f"{__name__}.note"]
    seen.clear()
    site = Handler()
    yield site
    site._threads.submit(connections.close_all).result()
    site._threads.shutdown()


async def call(site: Handler, path: str, *messages: dict[str, Any]) -> tuple[int, bytes]:
    """Status and body of the answer to a POST; 0 for none."""
    given = iter(messages or [{"type": "http.request", "body": b"sent"}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(given)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    await site(scope, receive, send)
    return sent[0]["status"] if sent else 0, b"".join(each.get("body", b"") for each in sent)


async def test_middlewares_and_view_share_one_thread(site: Handler) -> None:
    assert await call(site, "/view") == (200, b"sent")

    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0].startswith("request")


async def test_a_body_in_parts_is_one(site: Handler) -> None:
    parts = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]
    assert await call(site, "/view", *parts) == (200, b"ab")


async def test_requests_do_not_wait_for_each_other(site: Handler) -> None:
    answers = await asyncio.gather(call(site, "/meet"), call(site, "/meet"))

    assert answers == [(200, b"met")] * 2


async def test_who_leaves_in_the_middle_of_the_body_is_not_answered(site: Handler) -> None:
    parts = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert await call(site, "/view", *parts) == (0, b"")
    assert not seen


async def test_a_stream_is_sent_and_closed(site: Handler) -> None:
    assert await call(site, "/stream") == (200, b"ab")

    assert seen[-1] == "closed"


async def test_a_view_that_breaks_is_answered(site: Handler) -> None:
    status, _ = await call(site, "/broken")

    assert status == 500


@pytest.mark.django_db(transaction=True)
async def test_a_thread_keeps_its_connection(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(handler, "THREADS", 1)
    site = request.getfixturevalue("site")

    for _ in range(3):
        assert await call(site, "/query") == (200, b"asked")

    kept = [each for each in seen if not isinstance(each, str)]
    assert len(kept) == 3
    assert len(set(map(id, kept))) == 1
    assert site._threads.submit(lambda: connection.connection).result() is kept[0]
