"""The connection test names what is wrong, against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from broker.contract.job import Endpoint
from web.engines import connection

JSON = "application/json"
MODELS = json.dumps({"object": "list", "data": [{"id": "tiny", "object": "model"}]})
ANSWER = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": "Yes"},
            }
        ],
    }
)
ERROR = json.dumps({"error": {"message": "the secret words of the server"}})


@dataclass
class Site:
    """A server that gives these answers: status, content type, body. hang: until it is set."""

    models: tuple[int, str, str] = (200, JSON, MODELS)
    chat: tuple[int, str, str] = (200, JSON, ANSWER)
    hang: Event | None = None
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(site.models, None)

        def do_POST(self) -> None:
            self.answer(site.chat, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, answer: tuple[int, str, str], body: Any) -> None:
            site.asked.append((self.path, self.headers["Authorization"], body))
            if site.hang:
                site.hang.wait(30)
            status, content_type, text = answer
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    if site.hang:
        site.hang.set()
    server.shutdown()
    server.server_close()
    thread.join()


def check(site: Site, model: str = "tiny", key: str = "sk-1") -> connection.Check:
    return connection.check(Endpoint(base_url=site.url, model=model, api_key=key))


def test_a_good_engine_answers(site: Site) -> None:
    found = check(site)

    assert (found.ok, found.message, found.detail) == (True, "It answers.", "tiny")
    assert [(path, key) for path, key, _ in site.asked] == [
        ("/v1/models", "Bearer sk-1"),
        ("/v1/chat/completions", "Bearer sk-1"),
    ]
    assert site.asked[1][2]["max_tokens"] == 1


def test_an_engine_without_a_key_is_asked_without_one_of_ours(site: Site) -> None:
    assert check(site, key="").ok
    assert site.asked[0][1] == "Bearer none"


def test_a_server_that_lists_no_models_may_still_answer(site: Site) -> None:
    site.models = (200, JSON, json.dumps({"object": "list", "data": []}))

    assert check(site).ok


def test_a_model_it_does_not_have(site: Site) -> None:
    found = check(site, model="huge")

    assert (found.ok, found.message) == (False, "The server does not have this model.")
    assert found.detail == "'huge' · tiny"


NOT_OPENAI = "The answer is not that of an OpenAI server."


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ((401, JSON, ERROR), "The server refuses the API key."),
        ((403, JSON, ERROR), "The server refuses the API key."),
        ((404, "text/html", "<h1>Not found</h1>"), "No OpenAI API at this URL"),
        ((429, JSON, ERROR), "The account has no quota left"),
        ((500, JSON, ERROR), "The server answers with an error."),
        ((200, "text/html", "<h1>Welcome</h1>"), NOT_OPENAI),
        ((200, JSON, "<h1>Welcome</h1>"), NOT_OPENAI),
        ((200, JSON, '{"ok": true}'), NOT_OPENAI),
        ((200, JSON, "[]"), NOT_OPENAI),
        ((200, JSON, "null"), NOT_OPENAI),
        ((200, JSON, '{"data": [1, "x"]}'), NOT_OPENAI),
        ((200, JSON, '{"data": [{"name": "tiny"}]}'), NOT_OPENAI),
    ],
)
def test_what_is_wrong_is_named(site: Site, models: tuple[int, str, str], message: str) -> None:
    site.models = models

    found = check(site)

    assert not found.ok
    assert str(found.message).startswith(message)
    assert site.url in found.detail
    assert "sk-1" not in found.detail
    assert "secret words" not in found.detail


@pytest.mark.parametrize(
    ("chat", "message"),
    [
        ((200, "text/html", "<h1>Welcome</h1>"), NOT_OPENAI),
        ((200, JSON, "{}"), NOT_OPENAI),
        ((200, JSON, "[]"), NOT_OPENAI),
        ((400, JSON, ERROR), "The server answers with an error."),
        ((401, JSON, ERROR), "The server refuses the API key."),
    ],
)
def test_a_model_list_alone_is_not_enough(
    site: Site, chat: tuple[int, str, str], message: str
) -> None:
    site.chat = chat

    found = check(site)

    assert not found.ok
    assert found.message == message


def test_nobody_at_the_address() -> None:
    found = connection.check(Endpoint(base_url="http://127.0.0.1:1/v1", model="tiny"))

    assert (found.ok, found.message) == (False, "Nothing answers at this URL.")
    assert "http://127.0.0.1:1/v1" in found.detail


def test_a_name_that_does_not_exist() -> None:
    found = connection.check(Endpoint(base_url="http://nowhere.invalid/v1", model="tiny"))

    assert (found.ok, found.message) == (False, "Nothing answers at this URL.")


def test_a_silent_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.2)
    site.hang = Event()

    found = check(site)

    assert (found.ok, found.message) == (False, "The server did not answer within 10 seconds.")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", "한글"),
        ("", "sk-1\nX-Other: 1"),
        ("http://[::1/v1", "sk-1"),
        ("ftp://127.0.0.1/v1", "sk-1"),
        ("http://127.0.0.1:99999/v1", "sk-1"),
    ],
)
def test_what_cannot_even_be_sent(site: Site, url: str, key: str) -> None:
    found = connection.check(Endpoint(base_url=url or site.url, model="tiny", api_key=key))

    assert not found.ok
    assert "sk-1" not in found.detail
