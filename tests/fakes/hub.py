"""A hub of models that misbehaves: a front that redirects to where the file lies, on another host.

In this process, because its tests script each answer. One behaviour is used up by each request to
the place of the file; after the last one it is good.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

from web.engines.offers import Offer

BYTES = bytes(range(256)) * 1200
"""The file: about 300 KB, so that it comes in several pieces."""
OFFER = Offer(
    name="tiny", title="Tiny", repo="maker/tiny", revision="abc", file="tiny.gguf",
    size_bytes=len(BYTES), sha256=hashlib.sha256(BYTES).hexdigest(), licence="Apache-2.0",
)  # fmt: skip


@dataclass
class Hub:
    """body: the file. etag: as its place tells it. linked: headers of the front's redirect.

    script: names of behaviours, see Place. log: (method, path, headers) of each request.
    """

    body: bytes = BYTES
    etag: str = '"one"'
    script: list[str] = field(default_factory=list)
    linked: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    go: Event = field(default_factory=Event)
    """A server that was told to wait does so until this is set."""
    status: int = 302

    def __enter__(self) -> Self:
        self.linked = {
            "X-Linked-Etag": f'"{hashlib.sha256(self.body).hexdigest()}"',
            "X-Linked-Size": str(len(self.body)),
        }
        self.servers = [serving(Front, self), serving(Place, self)]
        self.url = f"http://127.0.0.1:{self.servers[0].server_port}"
        # By another name, as where the files of a hub lie is another host.
        self.place = f"http://localhost:{self.servers[1].server_port}"
        self.target = f"{self.place}/files/1"
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def asked(self) -> list[dict[str, str]]:
        """Headers of the requests for the file itself, names in lower case."""
        return [headers for _, path, headers in self.log if path.startswith("/files/")]


def serving(handler: type[BaseHTTPRequestHandler], hub: Hub) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.hub = hub  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        hub: Hub = self.server.hub  # type: ignore[attr-defined]
        return hub

    def log_message(self, *_: Any) -> None:
        pass

    def note(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.log.append((self.command, self.path, headers))

    def head(self, status: int, **headers: str | int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


class Front(Quiet):
    """/<owner>/<repository>/resolve/<revision>/<file>."""

    def do_GET(self) -> None:
        self.note()
        hub = self.hub
        if hub.status != 302:
            self.head(hub.status, Content_Length=0)
            return
        headers = {name.replace("-", "_"): value for name, value in hub.linked.items()}
        self.head(302, Location=hub.target, Content_Length=0, **headers)


class Place(Quiet):
    """Where the file lies; the behaviours are its methods."""

    def do_GET(self) -> None:
        self.note()
        name, _, number = (self.hub.script.pop(0) if self.hub.script else "good").partition(":")
        behave: Callable[..., None] = getattr(self, name)
        behave(*([int(number)] if number else []))

    def start(self) -> int:
        """Of the range that was asked for, as far as it is for this file."""
        told = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(told[1]) if told and self.headers.get("If-Range") == self.hub.etag else 0

    def begin(self, start: int, **headers: str | int) -> bytes:
        body = self.hub.body[start:]
        size = len(self.hub.body)
        if start:
            headers["Content_Range"] = f"bytes {start}-{size - 1}/{size}"
        headers = {"Content_Length": len(body), "ETag": self.hub.etag} | headers
        self.head(206 if start else 200, **headers)
        return body

    def good(self) -> None:
        self.wfile.write(self.begin(self.start()))

    def cut(self, count: int) -> None:
        """The connection ends after so many bytes."""
        self.wfile.write(self.begin(self.start())[:count])
        self.close_connection = True

    def ignores(self) -> None:
        """It sends the whole file, whatever range it is asked for."""
        self.wfile.write(self.begin(0))

    def shifted(self) -> None:
        """Another range than was asked for."""
        size = len(self.hub.body)
        self.head(206, Content_Length=10, Content_Range=f"bytes 5-14/{size}", ETag=self.hub.etag)
        self.wfile.write(self.hub.body[5:15])

    def unranged(self) -> None:
        """A part without a word on which."""
        self.head(206, Content_Length=10, ETag=self.hub.etag)
        self.wfile.write(self.hub.body[:10])

    def status(self, number: int) -> None:
        self.head(number, Content_Length=0)

    def other(self) -> None:
        """As many bytes, but others."""
        start = self.start()
        self.wfile.write(bytes(len(self.begin(start))))

    def claims(self, count: int) -> None:
        """It tells another length than the file has."""
        self.head(200, Content_Length=count, ETag=self.hub.etag)

    def endless(self) -> None:
        """It tells no length, and does not end."""
        self.head(200, Transfer_Encoding="chunked", ETag=self.hub.etag)
        piece = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        try:
            while not self.hub.go.is_set():
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def waits(self, count: int) -> None:
        """So many bytes, then silence until it is told to go on."""
        body = self.begin(self.start())
        self.wfile.write(body[:count])
        self.wfile.flush()
        self.hub.go.wait()
        try:
            self.wfile.write(body[count:])
        except OSError:
            self.close_connection = True
