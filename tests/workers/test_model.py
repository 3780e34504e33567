"""Model against the scripted engine: what it yields, how it fails, and that it lets go."""

from __future__ import annotations

import asyncio
import gzip
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from broker.contract.hint import Lane, Usage
from broker.contract.job import Endpoint, Sampling
from broker.health import EngineFailure
from tests.failures import fails
from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.http import HttpConnection
from tests.fakes.launch import FakeEngine
from web.engines.client.chunk import Chunk
from web.engines.client.errors import ModelError, ModelRefused, Refusal
from web.engines.client.model import Model
from web.engines.client.translation import retry_after_s
from web.engines.kinds import KINDS

KEY = "sk-very-secret"
MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]
VLLM_ONLY = ("priority", "stream_options", "continue_final_message", "add_generation_prompt")
SAMPLING = Sampling(max_tokens=60, temperature=0.5, top_p=0.8)


@pytest.fixture(scope="module")
def process() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def engine(process: FakeEngine) -> FakeEngine:
    process.script()
    return process


@pytest.fixture
def endpoint(engine: FakeEngine) -> Endpoint:
    return Endpoint(base_url=engine.url, model="fake", api_key=KEY)


async def read(model: Model, endpoint: Endpoint, text: str = "hi") -> list[Chunk]:
    messages: list[Any] = [{"role": "user", "content": text}]
    return [chunk async for chunk in model.stream(endpoint, SAMPLING, messages, "hint-1")]


async def drain(stream: Any) -> None:
    async for _ in stream:
        pass


def begin(model: Model, endpoint: Endpoint) -> Any:
    return model.stream(endpoint, SAMPLING, MESSAGES, "hint-1")


async def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def until_free(engine: FakeEngine) -> dict[str, Any]:
    await until(lambda: not engine.stats()["active"])
    return engine.stats()


async def test_the_text_the_finish_reason_and_the_usage_arrive(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    engine.script(Behaviour(pieces=("반복문이 ", "언제 ", "끝나나요?"), then=Then.LENGTH))

    *words, end, usage = await read(model, endpoint)

    assert "".join(chunk.text for chunk in words) == "반복문이 언제 끝나나요?"
    assert {chunk._replace(text="") for chunk in words} == {Chunk()}
    assert end == Chunk("", "length")
    assert usage == Chunk("", None, Usage(prompt_tokens=100, completion_tokens=3))


async def test_a_busy_loop_reads_together_what_comes_meanwhile(
    engine: FakeEngine, endpoint: Endpoint
) -> None:
    engine.script(Behaviour(pieces=("Which ", "value ", "comes ", "last?"), gap_s=0.01))
    model = Model(pause_s=lambda: 1.0)

    first, *rest = await read(model, endpoint)
    await model.aclose()

    # The first words at once; and if the machine itself was busy, more with them.
    assert "Which value comes last?".startswith(first.text)
    assert [chunk.text for chunk in (first, *rest) if chunk.text] == [
        part for part in (first.text, "Which value comes last?"[len(first.text) :]) if part
    ]


async def test_the_request_carries_id_key_and_sampling(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    await read(model, endpoint, "안녕")

    request = engine.stats()["requests"][-1]
    assert request["headers"]["x-request-id"] == "hint-1"
    assert request["headers"]["authorization"] == f"Bearer {KEY}"
    assert not [name for name in request["headers"] if name.startswith("x-stainless")]
    assert request["body"] == {
        "model": "fake",
        "messages": [{"role": "user", "content": "안녕"}],
        "max_tokens": 60,
        "temperature": 0.5,
        "top_p": 0.8,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_vllm_server_gets_what_only_it_takes(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    vllm = replace(endpoint, has=KINDS["vllm"].has)
    begun: list[Any] = [*MESSAGES, {"role": "assistant", "content": "Look"}]
    await drain(model.stream(vllm, SAMPLING, MESSAGES, "hint-1"))
    await drain(model.stream(vllm, SAMPLING, begun, "hint-2", Lane.BATCH))

    bodies = [request["body"] for request in engine.stats()["requests"]]
    asked, went_on = ({k: body.get(k) for k in VLLM_ONLY} for body in bodies[-2:])
    usage = {"include_usage": True, "continuous_usage_stats": True}
    assert asked == dict.fromkeys(VLLM_ONLY) | {"priority": 0, "stream_options": usage}
    assert went_on == {
        "priority": 10,
        "stream_options": usage,
        "continue_final_message": True,
        "add_generation_prompt": False,
    }
    assert bodies[-1]["messages"][-1] == {"role": "assistant", "content": "Look"}


async def test_an_endpoint_without_a_key_is_not_sent_the_one_of_the_environment(
    engine: FakeEngine, endpoint: Endpoint, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")

    await read(model, replace(endpoint, api_key=""))

    assert "environment" not in str(engine.stats()["requests"][-1]["headers"])


async def test_a_connection_is_used_again(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    before = engine.stats()["connections"]
    for _ in range(5):
        await read(model, endpoint)

    assert engine.stats()["connections"] == before + 1


async def test_a_hundred_streams_run_at_once(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    engine.script(*[Behaviour(pieces=(f"{n} ", "."), gap_s=0.2) for n in range(100)])

    answers = await asyncio.gather(*[read(model, endpoint) for _ in range(100)])

    assert sorted(int(answer[0].text) for answer in answers) == list(range(100))
    assert engine.stats()["max_active"] == 100


@pytest.mark.parametrize("then", [Then.CUT, Then.EOF, Then.ERROR_FRAME, Then.GARBAGE])
async def test_a_stream_that_breaks_off_is_never_complete(
    engine: FakeEngine, endpoint: Endpoint, model: Model, then: Then
) -> None:
    engine.script(Behaviour(pieces=("Look ",), then=then))
    stream = begin(model, endpoint)

    assert await anext(stream) == Chunk("Look ")
    with fails(EngineFailure.CUT):
        await anext(stream)


@pytest.mark.parametrize("then", [Then.CUT, Then.EOF, Then.ERROR_FRAME, Then.GARBAGE])
async def test_a_stream_that_breaks_before_its_first_chunk_may_go_elsewhere(
    engine: FakeEngine, endpoint: Endpoint, model: Model, then: Then
) -> None:
    engine.script(Behaviour(pieces=(), then=then))

    with fails(EngineFailure.UNREACHABLE):
        await read(model, endpoint)


@pytest.mark.parametrize(
    ("behaviour", "limits", "why"),
    [
        (Behaviour(pieces=(), then=Then.HANG), {"first_chunk_s": 0.5}, "no first chunk"),
        (Behaviour(pieces=(), then=Then.COMMENTS), {"first_chunk_s": 0.5}, "no first chunk"),
        (Behaviour(delay_s=30), {"first_chunk_s": 0.5}, "no first chunk"),
        (Behaviour(pieces=("a",), then=Then.HANG), {"idle_s": 0.2}, "no chunk for 0.2 s"),
        (Behaviour(pieces=("a",), then=Then.COMMENTS), {"idle_s": 0.2}, "no chunk for 0.2 s"),
        (Behaviour(pieces=("a",) * 1000), {"deadline_s": 0.3}, "deadline"),
    ],
)
async def test_silence_and_the_deadline_end_the_stream_and_free_the_slot(
    engine: FakeEngine,
    endpoint: Endpoint,
    model: Model,
    behaviour: Behaviour,
    limits: dict[str, float],
    why: str,
) -> None:
    await read(model, endpoint)  # making the client and connecting take their time
    engine.script(behaviour)
    aborted = engine.stats()["aborted"]

    with fails(EngineFailure.TIMEOUT, match=why):
        await read(model, replace(endpoint, **limits))

    assert (await until_free(engine))["aborted"] == aborted + 1


async def test_a_slow_reader_is_not_taken_for_a_silent_engine(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    engine.script(Behaviour(pieces=("a", "b"), gap_s=1.7))
    stream = begin(model, replace(endpoint, idle_s=1.0))

    assert await anext(stream) == Chunk("a")
    await asyncio.sleep(1.2)
    assert await anext(stream) == Chunk("b")
    await stream.aclose()


async def test_an_engine_that_does_not_answer_at_all_times_out(model: Model) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}/v1", model="m", first_chunk_s=0.2)

    with fails(EngineFailure.TIMEOUT, match="no first chunk"):
        await read(model, endpoint)
    server.close()
    await server.wait_closed()


class OneStream(HttpConnection):
    """Promises to keep the connection, but closes it when it hears from it again."""

    asked: int

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        OneStream.asked += 1
        chunk = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nKeep-Alive: timeout=5\r\n"
        self.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(chunk) + chunk)
        self.data_received = self.hang_up  # type: ignore[method-assign]

    def hang_up(self, data: bytes) -> None:
        self.transport.close()


class NoStream(HttpConnection):
    asked: int

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        NoStream.asked += 1
        self.transport.close()


@asynccontextmanager
async def serving(kind: type[HttpConnection]) -> AsyncIterator[Endpoint]:
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield Endpoint(base_url=f"http://127.0.0.1:{port}/v1", model="m")
    server.close()
    await server.wait_closed()


async def test_a_kept_connection_that_was_closed_after_all_costs_nobody_a_hint(
    model: Model,
) -> None:
    OneStream.asked = 0
    async with serving(OneStream) as endpoint:
        answers = [await read(model, endpoint) for _ in range(3)]

    assert answers == [[Chunk("hi", "stop")]] * 3
    assert OneStream.asked == 3


async def test_a_server_that_hangs_up_on_everybody_is_asked_twice(model: Model) -> None:
    NoStream.asked = 0
    async with serving(NoStream) as endpoint:
        with fails(EngineFailure.UNREACHABLE, match="ServerDisconnectedError"):
            await read(model, endpoint)

    assert NoStream.asked == 2


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (408, EngineFailure.UNREACHABLE),
        (429, EngineFailure.RATE_LIMITED),
        (500, EngineFailure.UNREACHABLE),
        (502, EngineFailure.UNREACHABLE),
        (503, EngineFailure.BUSY),
    ],
)
async def test_an_engine_that_fails_is_told_from_one_without_room(
    engine: FakeEngine, endpoint: Endpoint, model: Model, status: int, failure: EngineFailure
) -> None:
    engine.script(Behaviour(status=status))

    with fails(failure, match=str(status)):
        await read(model, endpoint)


async def test_a_closed_port_is_unavailable(model: Model) -> None:
    with fails(EngineFailure.UNREACHABLE, match="Refused"):
        await read(model, Endpoint(base_url="http://127.0.0.1:1/v1", model="m"))


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Refusal.REQUEST),
        (401, Refusal.KEY),
        (403, Refusal.KEY),
        (404, Refusal.MODEL),
        (413, Refusal.REQUEST),
        (422, Refusal.REQUEST),
    ],
)
async def test_a_refusal_tells_its_cause(
    engine: FakeEngine, endpoint: Endpoint, model: Model, status: int, cause: Refusal
) -> None:
    engine.script(Behaviour(status=status))

    with pytest.raises(ModelRefused) as refused:
        await read(model, endpoint)

    assert refused.value.cause == cause


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"base_url": "nonsense"}, Refusal.ADDRESS),
        ({"base_url": "http://[::1/v1"}, Refusal.ADDRESS),
        ({"base_url": "{url}/nowhere"}, Refusal.ADDRESS),
        ({"api_key": "two\nlines"}, Refusal.KEY),
        ({"api_key": "열쇠"}, Refusal.KEY),
    ],
)
async def test_a_bad_setting_is_told_from_an_engine_that_is_down(
    engine: FakeEngine,
    endpoint: Endpoint,
    model: Model,
    change: dict[str, str],
    cause: Refusal,
) -> None:
    given = {name: value.format(url=engine.url) for name, value in change.items()}

    with pytest.raises(ModelRefused) as refused:
        await read(model, replace(endpoint, **given))

    assert refused.value.cause == cause


async def test_a_prompt_that_cannot_be_sent_is_not_blamed_on_the_key(
    endpoint: Endpoint, model: Model
) -> None:
    with pytest.raises(ModelRefused, match="UTF-8") as refused:
        await read(model, endpoint, "half a pair: \ud800")

    assert refused.value.cause is Refusal.REQUEST


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_no_error_shows_the_key(
    engine: FakeEngine, endpoint: Endpoint, model: Model, status: int
) -> None:
    engine.script(Behaviour(status=status))

    with pytest.raises(ModelError) as error:
        await read(model, endpoint)

    assert KEY not in "".join(traceback.format_exception(error.value))
    assert KEY not in repr(endpoint)


async def test_closing_the_iterator_frees_the_engines_slot(
    engine: FakeEngine, endpoint: Endpoint, model: Model
) -> None:
    engine.script(Behaviour(pieces=("a",) * 10_000))
    aborted = engine.stats()["aborted"]

    async with aclosing(begin(model, endpoint)) as chunks:
        await anext(chunks)
        assert engine.stats()["active"] == 1

    assert (await until_free(engine))["aborted"] == aborted + 1


@pytest.mark.parametrize("delay_s", [0.0, 30.0])
async def test_cancelling_the_reader_frees_the_engines_slot(
    engine: FakeEngine, endpoint: Endpoint, model: Model, delay_s: float
) -> None:
    engine.script(Behaviour(pieces=("a",) * 10_000, delay_s=delay_s))
    before = engine.stats()
    reader = asyncio.create_task(read(model, endpoint))
    await until(lambda: engine.stats()["started"] > before["started"])

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert (await until_free(engine))["aborted"] == before["aborted"] + 1


async def test_an_engine_that_dies_in_the_stream_cuts_it(model: Model) -> None:
    with FakeEngine() as dying:
        dying.script(Behaviour(pieces=("a",) * 10_000))
        stream = begin(model, Endpoint(base_url=dying.url, model="m"))
        await anext(stream)
        dying.stop()

        with fails(EngineFailure.CUT):
            await drain(stream)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "4"}, 4),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        (
            {
                "Date": "Sat, 28 Nov 2026 11:00:00 GMT",
                "Retry-After": "Sat, 28 Nov 2026 11:00:30 GMT",
            },
            30,
        ),
        (
            {
                "Date": "Sat, 28 Nov 2026 11:00:00 GMT",
                "Retry-After": "Sat, 28 Nov 2026 10:00:00 GMT",
            },
            0,
        ),
        ({"Retry-After": "Sat, 28 Nov 2026 11:00:30 GMT"}, None),
        ({"Date": "today", "Retry-After": "Sat, 28 Nov 2026 11:00:30 GMT"}, None),
        (
            {"Date": "Sat, 28 Nov 2026 11:00:00", "Retry-After": "Sat, 28 Nov 2026 11:00:30 GMT"},
            None,
        ),
    ],
)
def test_retry_after_is_read_in_both_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(httpx2.Headers(headers)) == seconds


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"Look"}}]}\n\n'


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        HEAD + b"Content-Length: -1\r\n\r\n" + EVENT,
        HEAD + b"Content-Length: 1000\r\n\r\n" + EVENT,
        HEAD + b"Content-Length: 9\r\n\r\n" + EVENT,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + EVENT,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + EVENT,
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + EVENT,
        HEAD + b"Content-Encoding: deflate\r\n\r\n" + EVENT,
        HEAD + b"Content-Encoding: br\r\n\r\n\x8b\x02\x80abc",
        HEAD + b"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip\r\n\r\n" + EVENT,
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(EVENT)[:-9],
        HEAD + b"\r\n" + EVENT,
    ],
)
async def test_whatever_is_no_http_is_an_engine_that_failed(model: Model, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(ModelError) as error:
        await read(model, Endpoint(base_url=f"http://127.0.0.1:{port}/v1", model="m"))

    assert len(str(error.value)) < 300
    server.close()


async def test_no_level_of_the_log_shows_a_prompt(
    engine: FakeEngine, endpoint: Endpoint, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients may log whole requests at the level DEBUG."""
    caplog.set_level("DEBUG")

    await read(model, endpoint, "the student's own words")

    assert "own words" not in caplog.text
