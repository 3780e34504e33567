"""Bodies that are too large end at the door of both servers, whatever they say of their length."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, repeat

import pytest

from tests.whole.stand import Stand, free_port
from web.ops.management.commands.start import web_arguments

pytestmark = pytest.mark.whole
PIECE = b"x" * 2**16
CHECK = json.dumps(
    {"exercise": "python-steps/rice-days", "code": "def rice_days(cups, per_day):\n    return 0\n"}
).encode()


@pytest.fixture(params=["uvicorn", "gunicorn"])
def port(request: pytest.FixtureRequest, stand: Stand) -> int:
    if request.param == "uvicorn":
        return stand.port
    port: int = request.getfixturevalue("gunicorn")
    return port


def send(port: int, stand: Stand, headers: str, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Status and body of the answer to POST /v1/checks, which may come before all is sent."""
    token = stand.staff.headers["Authorization"]
    head = f"POST /v1/checks HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n"
    head += f"Content-Type: application/json\r\nConnection: close\r\n{headers}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(head.encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                link.sendall(piece)
        answer = b""
        with suppress(ConnectionResetError):
            while part := link.recv(65536):
                answer += part
    first, _, rest = answer.partition(b"\r\n")
    return int(first.split()[1]), rest.partition(b"\r\n\r\n")[2]


def chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


CHUNKED = "Transfer-Encoding: chunked"


def test_a_body_that_says_it_is_too_large_is_not_waited_for(port: int, stand: Stand) -> None:
    assert send(port, stand, f"Content-Length: {10 * 2**20}", iter(()))[0] == 413


def test_a_large_body_is_refused(port: int, stand: Stand) -> None:
    pieces = islice(repeat(PIECE), 160)

    status, _ = send(port, stand, f"Content-Length: {160 * len(PIECE)}", pieces)

    assert status == 413


def test_a_large_body_without_a_length_is_refused(port: int, stand: Stand) -> None:
    status, _ = send(port, stand, CHUNKED, chunks(islice(repeat(PIECE), 1_600)))

    assert status == 413


def test_a_small_body_without_a_length_is_read(port: int, stand: Stand) -> None:
    halves = iter((CHECK[:40], CHECK[40:]))

    status, body = send(port, stand, CHUNKED, chunks(halves))

    assert status == 200
    assert b'"failed"' in body


def test_json_nested_without_end_is_refused(port: int, stand: Stand) -> None:
    for text in (b"[" * 2**16, b'{"code":' * 8_000, b"[" * 30_000 + b"]" * 30_000):
        assert send(port, stand, f"Content-Length: {len(text)}", iter((text,)))[0] == 422


def test_too_many_query_parameters_are_refused(stand: Stand) -> None:
    answer = stand.staff.get(f"/v1/hints?exercise=a/b{'&x=1' * 2_000}")

    assert answer.status_code == 422


@pytest.fixture
def bare(stand: Stand) -> Iterator[int]:
    """The web app as `make run` starts it, with no proxy before it; its port."""
    port = free_port()
    with stand.serving("bare", port, *web_arguments(port)):
        yield port


@pytest.mark.parametrize("server", ["bare", "gunicorn"])
def test_headers_of_any_size_are_not_kept(
    request: pytest.FixtureRequest, stand: Stand, server: str
) -> None:
    port: int = request.getfixturevalue(server)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        flood(port)

    with link(port) as sent:
        sent.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sent.recv(65536).startswith(b"HTTP/1.1 200 ")


def flood(port: int) -> None:
    with link(port) as sent:
        sent.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(1_000):
            sent.sendall(b"X-%d: %s\r\n" % (number, PIECE))
        sent.recv(65536)


def link(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)
