"""The connection test names what is wrong, against a real HTTP server."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import pytest

from broker.contract.job import Endpoint, Sampling, Thinking
from tests.web.kit import checked
from web.engines import connection, example

JSON, HTML, SSE = "application/json", "text/html", "text/event-stream"
HINT = "What does your function give back for 7 cups and 3 a day?"
KEY = "sk-very-secret-1"
Answer = tuple[int, str, str | bytes]


def frames(*texts: str, reason: str = "stop") -> str:
    deltas = [({"content": text}, None) for text in texts] + [({}, reason)]
    choices = [{"index": 0, "delta": delta, "finish_reason": end} for delta, end in deltas]
    lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
    return "".join([*lines, "data: [DONE]\n\n"])


def listing(*names: str) -> str:
    return json.dumps({"object": "list", "data": [{"id": name} for name in names]})


def error(text: str, **more: Any) -> str:
    return json.dumps({"error": {"message": text} | more})


NOT_FOUND = error("The model `tiny` does not exist.", code="model_not_found")


@dataclass
class Site:
    """A server that gives these answers: status, content type, body.

    first: of the first chat alone; hang: until it is set, before a chat; endless: follows a list
    again and again, each after drip_s; headers: more of them.
    """

    models: Answer = (200, JSON, listing("tiny"))
    chat: Answer = (200, SSE, frames(*HINT.split(" ")[:1], HINT.removeprefix("What")))
    first: Answer | None = None
    hang: Event | None = None
    endless: bytes = b""
    drip_s: float = 0
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)
    port: int = 0
    closing: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def body(self) -> Any:
        """Of the first chat."""
        return next(body for path, _, body in self.asked if path.endswith("completions"))


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(site.models, None)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat, site.first = site.first or site.chat, None
            self.answer(chat, body)

        def answer(self, answer: Answer, body: Any) -> None:
            site.asked.append((self.path, self.headers["Authorization"], body))
            if site.hang and body:
                site.hang.wait(30)
            status, content_type, text = answer
            data = text.encode() if isinstance(text, str) else text
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Connection", "close")
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.write(data, body)

        def write(self, data: bytes, body: Any) -> None:
            try:
                self.wfile.write(data)
                while site.endless and not body and not site.closing.wait(site.drip_s):
                    self.wfile.write(site.endless)
            except ConnectionError:
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    opened: list[tuple[Site, ThreadingHTTPServer, Thread]] = []

    def start(**answers: Any) -> Site:
        site = Site(**answers)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
        site.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        opened.append((site, server, thread))
        return site

    yield start
    for site, server, thread in opened:
        site.closing.set()
        if site.hang:
            site.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()


def check(site: Site, **more: Any) -> connection.Check:
    endpoint = {"base_url": site.url, "model": "tiny", "api_key": KEY} | more
    return checked(Endpoint(**endpoint))


def test_a_good_server(site: Site) -> None:
    found = check(site, thinking=Thinking.NEVER)

    assert (found.ok, found.message) == (True, "It answers, and a hint can use it.")
    assert (found.text, found.models, found.advice) == (HINT, ("tiny",), [])
    assert found.first_ms is not None
    assert 0 <= found.first_ms <= found.took_ms


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_it_sends_what_a_hint_sends(site: Site, locale: Any) -> None:
    sampling = Sampling(max_tokens=77, temperature=None, top_p=0.3)
    endpoint = Endpoint(base_url=site.url, model="tiny", api_key=KEY, extra_body={"top_k": 7})

    checked(endpoint, sampling, locale)

    assert {authorization for _, authorization, _ in site.asked} == {f"Bearer {KEY}"}
    assert (site.body["max_tokens"], site.body["top_p"], site.body["top_k"]) == (77, 0.3, 7)
    assert site.body["stream"] is True
    assert "temperature" not in site.body
    assert site.body["messages"] == example.shipped().messages(locale, None)
    assert ("rice_days(7, 3)" in site.body["messages"][-1]["content"]) is True


def test_an_engine_is_asked_in_a_language_that_it_writes(site: Site) -> None:
    checked(Endpoint(base_url=site.url, model="m", languages=("en",)), locale="ko")

    assert site.body["messages"] == example.shipped().messages("en", None)


@pytest.mark.parametrize(
    ("chat", "message", "said"),
    [
        ((401, JSON, error("bad key")), "The server refuses the API key.", ""),
        ((403, JSON, error("no")), "The server refuses the API key.", ""),
        ((404, HTML, "<h1>Not found</h1>"), "No OpenAI API at this URL; it usually ends", ""),
        ((404, JSON, NOT_FOUND), "The server does not have this model.", "does not exist"),
        ((400, JSON, error("too long")), "The server refuses a hint's request.", "too long"),
        ((422, JSON, '{"detail": "odd"}'), "The server refuses a hint's request.", "odd"),
        ((500, JSON, error("out of memory")), "The server answers with an error.", "out of memory"),
        ((502, HTML, "<h1>Bad gateway</h1>"), "The server answers with an error.", "502"),
        ((200, HTML, "<h1>Welcome</h1>"), "No OpenAI API at this URL; it usually ends", ""),
        ((200, JSON, '{"ok": true}'), "The answer breaks off, or cannot be read.", ""),
        ((200, JSON, "[]"), "The answer breaks off, or cannot be read.", ""),
        ((200, SSE, frames(HINT).split("data: [DONE]")[0][:60]), "The answer breaks off", ""),
    ],
)
def test_what_is_wrong_is_named(site: Site, chat: Answer, message: str, said: str) -> None:
    site.chat = chat

    found = check(site)

    assert found.ok is False
    assert str(found.message).startswith(message)
    assert said in found.said


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500, 503])
def test_the_servers_words_hold_neither_key_nor_markup_nor_much(site: Site, status: int) -> None:
    site.chat = (status, JSON, error(f"<b>your key {KEY}</b> " + "x" * 5000))

    found = check(site)

    assert not found.ok
    assert KEY not in found.said
    assert len(found.said) < 300


@pytest.mark.parametrize(
    "models",
    [
        (404, JSON, error("no")),
        (500, JSON, "oops"),
        (401, JSON, error("no")),
        (200, HTML, "<h1>Welcome</h1>"),
        (200, JSON, "<h1>Welcome</h1>"),
        (200, JSON, '{"ok": true}'),
        (200, JSON, "[]"),
        (200, JSON, "null"),
        (200, JSON, '{"data": [1, "x"]}'),
        (200, JSON, '{"data": [{"name": "tiny"}]}'),
        (200, JSON, "[" * 900_000),
        (200, JSON, '{"a":' * 100_000),
        (200, JSON, b"\xff\xfe\x00"),
        (302, JSON, ""),
    ],
)
def test_a_missing_list_is_no_fault(site: Site, models: Answer) -> None:
    site.models = models

    found = check(site)

    assert (found.ok, found.text, found.models) == (True, HINT, None)
    assert found.why_no_models


def test_a_list_without_the_model_is_no_fault(site: Site) -> None:
    site.models = (200, JSON, listing("big", "huge"))

    found = check(site)

    assert (found.ok, found.models) == (True, ("big", "huge"))
    assert "list of models does not have this one" in str(found.advice[0])


def test_names_of_models_are_cut(site: Site) -> None:
    site.models = (200, JSON, listing("x" * 9000))

    assert check(site).models == ("x" * 200,)


def test_a_list_is_not_looked_for_elsewhere(open_site: Callable[..., Site]) -> None:
    other = open_site()
    site = open_site(models=(307, JSON, ""), headers={"Location": f"{other.url}/models"})

    found = check(site)

    assert found.why_no_models == "HTTP 307"
    assert other.asked == []


@pytest.mark.parametrize("endless", [b"x" * 65536, b'{"id": "a"},' * 1000])
def test_a_list_without_an_end_is_not_read(site: Site, endless: bytes) -> None:
    site.models, site.endless = (200, JSON, '{"data": ['), endless

    found = check(site)

    assert (found.ok, found.why_no_models) == (True, "> 1048576 bytes")


def test_a_list_that_drips_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LISTING_S", 0.4)
    site.models, site.endless, site.drip_s = (200, JSON, "{"), b" ", 0.05

    found = check(site)

    assert (found.ok, found.why_no_models) == (True, "> 0.4 s")


def test_a_list_that_unpacks_to_much_costs_little(site: Site) -> None:
    site.models = (200, JSON, gzip.compress(b" " * 300_000_000))
    site.headers = {"Content-Encoding": "gzip"}
    site.chat = (503, JSON, gzip.compress(b"{}"))

    tracemalloc.start()
    found = check(site)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.why_no_models == "> 1048576 bytes"
    assert peak_bytes < 32_000_000


def test_a_packed_list_is_read(open_site: Callable[..., Site]) -> None:
    packed = gzip.compress(listing("tiny").encode())
    chat = (200, SSE, gzip.compress(frames(HINT).encode()))
    site = open_site(models=(200, JSON, packed), chat=chat, headers={"Content-Encoding": "gzip"})

    found = check(site)

    assert (found.ok, found.models) == (True, ("tiny",))


def test_thoughts_are_dropped_and_counted(site: Site) -> None:
    site.chat = (200, SSE, frames("They must divide. Why?\n", "</think>\n", HINT))

    found = check(site)

    assert (found.ok, found.text) == (True, HINT)
    assert found.thought_chars >= len("They must divide. Why?")


def test_who_holds_text_for_nothing_is_told(site: Site) -> None:
    assert "No thoughts came." in str(check(site).advice[0])


def test_thoughts_alone_are_no_hint(site: Site) -> None:
    site.chat = (200, SSE, frames("<think>They must divide.", " Why?", reason="length"))

    found = check(site)

    assert found.ok is False
    assert found.text == ""
    assert "Raise max tokens in the AI mode, or turn thinking off." in found.advice


def test_a_cut_text_that_may_be_thoughts_is_told_apart(site: Site) -> None:
    site.chat = (200, SSE, frames("They must divide.", reason="length"))

    found = check(site)

    assert (found.ok, found.text) == (False, "")
    assert found.advice == [
        "Raise max tokens in the AI mode, or choose that this model does not think."
    ]
    assert check(site, thinking=Thinking.NEVER).ok is None


def test_a_text_that_the_gate_blocks_is_not_called_good(site: Site) -> None:
    site.chat = (200, SSE, frames("Write `days += 1` in the loop. Do you see?"))

    found = check(site)

    assert (found.ok, found.text) == (None, "")
    assert "would not be shown" in str(found.message)


def test_a_model_that_does_better_the_second_time_is_good(site: Site) -> None:
    site.first = (200, SSE, frames("No."))

    assert (check(site).ok, len(site.asked)) == (True, 3)


def test_nobody_at_the_address() -> None:
    found = checked(Endpoint(base_url="http://127.0.0.1:1/v1", model="tiny"))

    assert (found.ok, found.message) == (False, "Nothing answers at this URL.")


def test_a_name_that_does_not_exist() -> None:
    found = checked(Endpoint(base_url="http://nowhere.invalid/v1", model="tiny"))

    assert (found.ok, found.message) == (False, "Nothing answers at this URL.")


def test_a_silence_that_a_hint_would_wait_out_is_not_called_bad(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.3)
    site.hang = Event()

    found = check(site, first_chunk_s=30)

    assert found.ok is None
    assert "not known" in str(found.message)
    assert "30 s" in str(found.advice[0])


def test_a_name_server_that_is_silent_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(connection, "LISTING_S", 0.3)
    answered = Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait(60) and [])

    found = checked(Endpoint(base_url="http://gpu0.invalid/v1", model="tiny"))

    assert not answered.is_set()
    assert (found.ok, found.models) == (None, None)
    answered.set()


def test_a_silence_in_which_a_hint_ends_is_bad(site: Site) -> None:
    site.hang = Event()

    found = check(site, first_chunk_s=0.3)

    assert (found.ok, str(found.message)) == (False, "The server took the request and fell silent.")


def test_many_engines_are_tested_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 1.0)
    site.hang = Event()
    endpoint = Endpoint(base_url=site.url, model="tiny")

    found = connection.check_all([endpoint] * 8, Sampling(), "en")

    assert [each.ok for each in found] == [None] * 8
    assert max(each.took_ms for each in found) < 3000


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", "한글"),
        ("", "sk-1\nX-Other: 1"),
        ("http://[::1/v1", KEY),
        ("ftp://127.0.0.1/v1", KEY),
        ("http://127.0.0.1:99999/v1", KEY),
        ("http://127.0.0.1:1/v1 x", KEY),
        ("http://" + "a" * 300 + "/v1", KEY),
    ],
)
def test_what_cannot_even_be_sent(site: Site, url: str, key: str) -> None:
    found = check(site, base_url=url or site.url, api_key=key)

    assert found.ok is False
    assert key not in found.said


OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"Content-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01\x02\x00" * 100,
        b"HTTP/1.1 2",
        b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 X\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: ht!tp://[::\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 X\r\nContent-Type: a; charset=none\r\n\r\n" + b'{"error":' * 5000,
        b'HTTP/1.1 422 X\r\n\r\n{"detail":[[1],{"loc":7,"msg":[1]},null]}',
        OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        OK + b"Content-Length: 5000\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        OK + b"Content-Encoding: gzip\r\n\r\nno gzip",
        OK + b"Content-Encoding: \xff\r\n\r\n{}",
        STREAM + b"data: " + b"[" * 500_000 + b"\n\n",
        STREAM + b'data: {"choices":[{"delta":[1]}]}\n\n',
        STREAM + b"data: \x00\n\n",
    ],
)
def test_what_is_no_server_is_called_bad(answer: bytes) -> None:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        found = checked(Endpoint(base_url=url, model="tiny", api_key=KEY))
        server.shutdown()

    assert found.ok is False
    assert found.models is None
    assert KEY not in found.said
