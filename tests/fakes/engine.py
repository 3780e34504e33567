"""A scripted OpenAI-compatible engine: python -m tests.fakes.engine --port 0, prints its port.

POST /v1/chat/completions, GET /v1/models, GET /stats, POST /script: a list of behaviours, instead
of the one before; each serves once, the first request that fits. A request to judge a hint is none
of those: POST /judge says how it judges, GET /judge how often it did. With --seconds all streams
tick together, as a batching engine does, and no script is read. With --rate it answers so many
requests in --window-s seconds, as a hosted API does, and to the others 429. With --times it keeps
when each chunk was sent: GET /sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
from collections import deque
from dataclasses import dataclass, field
from time import time
from typing import Any

import uvloop

from tests.fakes import wire
from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.http import HttpConnection
from tests.fakes.judging import GIVES_UP, SLOW_S, FakeJudge, asks, diagnoses

KEPT_REQUESTS = 50
COMMENT_S = 0.05
END_S = 0.01
"""Servers send the end of the body by itself, a moment after [DONE]."""


@dataclass(slots=True)
class Stats:
    """Counts since the start. active: streams now open; connections: those that asked for one."""

    started: int = 0
    finished: int = 0
    active: int = 0
    max_active: int = 0
    aborted: int = 0
    """The client left the stream before its end."""
    chunks: int = 0
    limited: int = 0
    """Requests that were answered 429."""
    connections: int = 0
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))

    def begin(self) -> None:
        self.started += 1
        self.active += 1
        self.max_active = max(self.max_active, self.active)

    def end(self, *, aborted: bool) -> None:
        self.active -= 1
        self.aborted += aborted
        self.finished += not aborted

    def as_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in self.__slots__}
        return {**counts, "requests": list(self.requests)}


class Engine:
    """What all connections share."""

    def __init__(
        self, model: str, ticker: Ticker | None, limiter: Limiter, *, times: bool = False
    ) -> None:
        self.model = model
        self.ticker = ticker
        self.limiter = limiter
        self.stats = Stats()
        self.script: list[Behaviour] = []
        self.judge = FakeJudge()
        self.sent: dict[str, list[tuple[float, int]]] | None = {} if times else None
        """By X-Request-Id: when each chunk was sent, s, and characters of the answer by then."""

    def next_behaviour(self, body: str, *, hidden: bool) -> Behaviour:
        """hidden: it is asked for a diagnosis, and knows none unless a behaviour says when."""
        for index, behaviour in enumerate(self.script):
            if behaviour.when in body and (behaviour.when or not hidden):
                return self.script.pop(index)
        return Behaviour(pieces=(GIVES_UP,)) if hidden else Behaviour()


class Limiter:
    """most: requests in any window_s seconds, 0 for no limit. retry_after: as the header has it."""

    def __init__(self, most: int, window_s: float, retry_after: str) -> None:
        self._times: deque[float] = deque(maxlen=most or None)
        self._most, self._window_s = most, window_s
        self.header = f"retry-after: {retry_after}\r\n" if retry_after else ""

    def admits(self, at_s: float) -> bool:
        full = self._most and len(self._times) == self._most
        if full and at_s - self._times[0] < self._window_s:
            return False
        if self._most:
            self._times.append(at_s)
        return True


class Connection(HttpConnection):
    """One client; one request at a time."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.streaming: asyncio.Task[None] | None = None
        self._counted = False
        self._sent: list[tuple[float, int]] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.streaming:
            self.streaming.cancel()
        if self.engine.ticker:
            self.engine.ticker.leave(self)

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        match method, path:
            case "POST", "/v1/chat/completions":
                self._chat(headers, body)
            case "GET", "/v1/models":
                models = [{"id": self.engine.model, "object": "model", "owned_by": "fake"}]
                self.transport.write(wire.reply(200, {"object": "list", "data": models}))
            case "GET", "/health":
                self.transport.write(wire.text(200, ""))
            case "GET", "/sent":
                self.transport.write(wire.reply(200, self.engine.sent))
            case "GET", "/stats":
                self.transport.write(wire.reply(200, self.engine.stats.as_json()))
            case "GET", "/judge":
                self.transport.write(wire.reply(200, self.engine.judge.as_json()))
            case "POST", "/judge":
                self.engine.judge.told(json.loads(body))
                self.transport.write(wire.reply(200, {}))
            case "POST", "/script":
                self.engine.script = [Behaviour.parse(item) for item in json.loads(body)]
                self.transport.write(wire.reply(200, {}))
            case _:
                self.transport.write(wire.reply(404, {"detail": "Not Found"}))

    def _chat(self, headers: dict[str, str], body: bytes) -> None:
        self.engine.stats.connections += not self._counted
        self._counted = True
        if self.engine.sent is not None:
            self._sent = self.engine.sent.setdefault(headers.get("x-request-id", ""), [])
        if self.engine.ticker:
            self.engine.stats.begin()
            self.engine.ticker.join(self)
            return
        request = json.loads(body)
        if asks(request["messages"]):
            if answer := self.engine.judge.reply(request):
                late_s = SLOW_S if self.engine.judge.way == "slow" else 0.0
                asyncio.get_running_loop().call_later(late_s, self.transport.write, answer)
            return
        at = {"at_s": self.asked_s}
        self.engine.stats.requests.append({"headers": headers, "body": request, **at})
        if not self.engine.limiter.admits(self.asked_s):
            self.engine.stats.limited += 1
            more = self.engine.limiter.header
            self.transport.write(wire.error(429, "Rate limit reached for requests", more=more))
            return
        hidden = diagnoses(request["messages"])
        body_text = json.dumps(request, ensure_ascii=False)
        behaviour = self.engine.next_behaviour(body_text, hidden=hidden)
        if behaviour.status != 200:
            text = f"The model `{request['model']}` does not exist."
            if behaviour.status != 404:
                text = f"refused {headers.get('authorization', '')}"
            self.transport.write(wire.error(behaviour.status, text))
            return
        self.engine.stats.begin()
        self.streaming = asyncio.get_running_loop().create_task(self._answer(request, behaviour))

    async def _answer(self, request: dict[str, Any], behaviour: Behaviour) -> None:
        aborted = True
        try:
            if request.get("stream"):
                await self._stream(request, behaviour)
            else:
                await self._whole(behaviour)
            aborted = False
        finally:
            self.streaming = None
            self.engine.stats.end(aborted=aborted)

    def write_text(self, frame: bytes, text: str) -> None:
        """A frame with the next text of the answer."""
        self.transport.write(frame)
        if self._sent is not None:
            chars = self._sent[-1][1] if self._sent else 0
            self._sent.append((time(), chars + len(text)))

    async def _stream(self, request: dict[str, Any], behaviour: Behaviour) -> None:
        write = self.transport.write
        write(wire.STREAM_HEAD)
        await asyncio.sleep(behaviour.delay_s)
        if behaviour.pieces:
            write(wire.frame({"role": "assistant", "content": ""}))
        for piece in behaviour.pieces:
            self.write_text(wire.frame({"content": piece}), piece)
            self.engine.stats.chunks += 1
            await asyncio.sleep(behaviour.gap_s)
        match behaviour.then:
            case Then.CUT:
                self.transport.close()
                return
            case Then.HANG | Then.COMMENTS:
                await self._idle(behaviour.then)
            case Then.ERROR_FRAME:
                write(wire.event('{"error": {"message": "EngineDeadError", "code": 500}}'))
            case Then.GARBAGE:
                write(wire.event('{"choices": [{"delta'))
        if behaviour.then in (Then.STOP, Then.LENGTH, Then.GARBAGE):
            reason = "length" if behaviour.then == Then.LENGTH else "stop"
            write(wire.frame({}, reason))
            if (request.get("stream_options") or {}).get("include_usage"):
                write(wire.usage_frame(wire.usage(100, len(behaviour.pieces))))
        if behaviour.then != Then.EOF:
            write(wire.event("[DONE]"))
            await asyncio.sleep(END_S)
        write(wire.BODY_END)

    async def _idle(self, then: Then) -> None:
        while True:
            await asyncio.sleep(COMMENT_S)
            if then == Then.COMMENTS:
                self.transport.write(wire.body_part(b": keep-alive\n\n"))

    async def _whole(self, behaviour: Behaviour) -> None:
        await asyncio.sleep(behaviour.delay_s + behaviour.gap_s * len(behaviour.pieces))
        message = {"role": "assistant", "content": "".join(behaviour.pieces)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        completion = {**wire.COMPLETION, "object": "chat.completion", "choices": [choice]}
        usage = wire.usage(100, len(behaviour.pieces))
        self.transport.write(wire.reply(200, {**completion, "usage": usage}))


class Ticker:
    """Writes one chunk to every open stream at each tick, seconds / chunks apart."""

    ROUNDS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    SENTENCES = tuple(
        f"In the {each} round your loop takes one more value and adds it to the sum. "
        for each in ROUNDS.split()
    )
    """No two alike: a hint that says the same again is refused."""
    WORDS = re.compile(r"\S+\s")
    PARTS = re.compile(r"\S{1,3}\s*")
    """Shorter than a model's tokens are, so that 240 of them are still a hint."""
    LAST = (
        wire.frame({}, "stop")
        + wire.usage_frame(wire.usage(100, 60))
        + wire.event("[DONE]")
        + wire.BODY_END
    )

    def __init__(self, chunks: int, most: int, seconds: float) -> None:
        self._step_s = seconds / chunks
        self._lengths = (chunks, max(chunks, most))
        parts = (self.PARTS if most else self.WORDS).findall("".join(self.SENTENCES))
        self._tokens = tuple((wire.frame({"content": part}), part) for part in parts)
        self._random = random.Random(1)
        self._left: dict[Connection, int] = {}

    def join(self, connection: Connection) -> None:
        self._left[connection] = self._random.randint(*self._lengths)
        connection.transport.write(
            wire.STREAM_HEAD + wire.frame({"role": "assistant", "content": ""})
        )

    def leave(self, connection: Connection) -> None:
        if self._left.pop(connection, None):
            connection.engine.stats.end(aborted=True)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        tick_s = loop.time()
        while True:
            tick_s += self._step_s
            await asyncio.sleep(tick_s - loop.time())
            for connection, left in list(self._left.items()):
                stats = connection.engine.stats
                stats.chunks += 1
                if left > 1:
                    self._left[connection] = left - 1
                    connection.write_text(*self._tokens[-left % len(self._tokens)])
                else:
                    del self._left[connection]
                    frame, text = self._tokens[-1]
                    connection.write_text(frame + self.LAST, text)
                    stats.end(aborted=False)


async def serve(options: argparse.Namespace) -> None:
    ticker = Ticker(options.chunks, options.most, options.seconds) if options.seconds else None
    limiter = Limiter(options.rate, options.window_s, options.retry_after)
    engine = Engine(options.model, ticker, limiter, times=options.times)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(engine), "127.0.0.1", options.port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await (ticker.run() if ticker else server.serve_forever())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.engine")
    parser.add_argument("--port", type=int, default=0, help="0: a free one; it is printed")
    parser.add_argument("--model", default="fake", help="name in /v1/models")
    parser.add_argument("--chunks", type=int, default=60, help="of a ticking stream")
    parser.add_argument("--most", type=int, default=0, help="of some ticking streams, more chunks")
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="of a ticking stream; 0: scripted"
    )
    parser.add_argument("--rate", type=int, default=0, help="requests a window; 0: no limit")
    parser.add_argument("--window-s", type=float, default=10.0)
    parser.add_argument("--retry-after", default="", help="what a 429 says; empty: nothing")
    parser.add_argument("--times", action="store_true", help="keep when each chunk was sent")
    uvloop.run(serve(parser.parse_args()))
