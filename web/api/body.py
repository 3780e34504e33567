"""No more of a request's body is read than may be used, whichever server runs the site.

Django itself looks only at Content-Length: it would keep a chunked body of any size in a file under
ASGI, and take it for an empty one under WSGI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from io import BytesIO
from typing import Any

from django.conf import settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
END: Message = {"type": "http.request", "body": b"", "more_body": False}


def most_bytes() -> int:
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def limited_wsgi(application: Application) -> Application:
    """The application behind a bounded body, which always has a length."""

    def limited(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        most = most_bytes()
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            # One byte more than is allowed, by which Django sees that the body is too long.
            content = environ["wsgi.input"].read(most + 1)
            environ["CONTENT_LENGTH"] = str(len(content))
            environ["wsgi.input"] = BytesIO(content)
        elif length(environ.get("CONTENT_LENGTH")) > most:
            environ["wsgi.input"] = BytesIO()
        return application(environ, start_response)

    return limited


def limited_asgi(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """The messages of a request; those of a body that is too long end early.

    The scope's headers then say that it is, so that Django refuses it.
    """
    most, read, ended = most_bytes(), 0, False
    declared = length(dict(scope["headers"]).get(b"content-length"))

    async def limited() -> Message:
        nonlocal read, ended
        if declared > most and not ended:
            ended = True
            return END
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            if ended:
                # What still comes of the body makes room for the news that the client has left.
                continue
            read += len(message.get("body", b""))
            ended = read > most or not message.get("more_body", False)
            if read > most:
                scope["headers"] = [*scope["headers"], (b"content-length", b"%d" % read)]
                return END
            return message

    return limited


def length(header: str | bytes | None) -> int:
    """The number in a Content-Length; 0 for none that can be read."""
    try:
        return int(header or 0)
    except ValueError:
        return 0
