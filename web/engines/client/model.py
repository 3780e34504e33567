"""The chat stream of an engine through the official client, read lean, its failures translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient, omit

from broker.base import trace
from broker.contract.hint import Lane
from broker.contract.job import Endpoint, Message, Sampling
from broker.health import EngineFailure
from web.engines.client.body import Answered, refuse
from web.engines.client.chunk import Chunk
from web.engines.client.complaint import READ_CHARS, Complaint
from web.engines.client.errors import EngineFailed, ModelError
from web.engines.client.negotiation import Negotiation
from web.engines.client.reader import Reader
from web.engines.client.redaction import Redaction
from web.engines.client.timer import StreamTimer
from web.engines.client.translation import PLUMBING, Translation, hung_up

MAX_CONNECTIONS = 4096
KEEPALIVE_S = 3.0
"""Below the 5 s after which uvicorn, so vLLM, closes an idle connection: a reused one is alive."""
NO_KEY = "none"
"""Sent where an engine needs none: left out, the client would send OPENAI_API_KEY there."""
UNTOLD = dict.fromkeys(
    (f"X-Stainless-{name}" for name in (
        "Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Async",
        "Retry-Count",
    )),
    omit,
)  # fmt: skip
"""What the client would tell of this machine; no engine needs it, and httpx merges it slowly."""
SLICE_BYTES = 1 << 16
"""After so much of a body that came at once, or was packed, other streams have their turn."""


class Request:
    """One answer that is asked for, in as many requests as it takes until the server takes one."""

    def __init__(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Message],
        lane: Lane,
        request_id: str,
    ) -> None:
        self.endpoint = endpoint
        self.asked = Negotiation(endpoint, sampling, messages, lane)
        self.timer = StreamTimer(endpoint)
        texts = [message["content"] for message in messages]
        self.redaction = Redaction(endpoint.api_key, texts)
        self.translation = Translation(endpoint, self.redaction)
        self.headers: dict[str, Any] = {
            "X-Request-Id": request_id,
            # Compression would hold words back until a block is full.
            "Accept-Encoding": "identity",
            **UNTOLD,
            **trace.headers(),
        }

    def failed(self, error: Exception, *, answered: bool) -> ModelError:
        """answered: the headers had come."""
        if isinstance(error, TimeoutError):
            return EngineFailed(EngineFailure.TIMEOUT, self.timer.why())
        if answered:
            return self.translation.in_stream(error, self.timer.began)
        return self.translation.before_headers(error)


class Model:
    """One client for each server and key, made at first use; belongs to the loop it is used on.

    pause_s: how long to leave a stream unread after words of it, asked each time: a busy loop then
    reads together what has come meanwhile.
    """

    def __init__(self, pause_s: Callable[[], float] = lambda: 0.0) -> None:
        # A changed endpoint leaves its old client here: admins do that a few times in a life.
        self._clients: dict[tuple[str, str, float], AsyncOpenAI] = {}
        self._pause_s = pause_s
        self.chunks = 0
        """Of all streams so far: a sign of life of the engine."""

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Message],
        request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:
        """Chunks that say something, until the model has finished.

        messages: if the last one is the assistant's, a vLLM server goes on where it ends.
        Closing the iterator, or a cancellation, closes the connection: the engine's slot is free.
        Raises: EngineFailed, ModelRefused.
        """
        request, reader = Request(endpoint, sampling, messages, lane, request_id), Reader()
        response = await self._open(request)
        try:
            if request.asked.dialect != endpoint.dialect:
                yield Chunk(learned=request.asked.dialect)
            async with aclosing(self._parts(response, request.timer)) as parts:
                async for part in parts:
                    for chunk in reader.feed(part):
                        yield chunk
                        # After the yield: the reader's own time is no silence of the engine.
                        if chunk.alive:
                            self.chunks += 1
                            request.timer.note_chunk()
                        if chunk.finish_reason:
                            request.timer.note_end()
                    if reader.done:
                        request.timer.note_done()
            for chunk in reader.end():
                yield chunk
        except (*PLUMBING, EngineFailed) as error:
            if not reader.finished:
                raise request.failed(error, answered=True) from None
        finally:
            request.timer.end()
            await response.aclose()

    async def _open(self, request: Request) -> httpx2.Response:
        """The answer to the request as the server takes it; it may be sent several times."""
        try:
            while True:
                try:
                    return await self._sent(request)
                except Answered as error:
                    complaint = Complaint.read(error.body)
                    text = request.redaction.of(complaint.text, READ_CHARS)
                    if not request.asked.heed(error.status, complaint, text):
                        raise request.translation.answered(error) from None
        except PLUMBING as error:
            raise request.failed(error, answered=False) from None

    async def _sent(self, request: Request) -> httpx2.Response:
        try:
            return await request.timer.on(self._post(request))
        except PLUMBING as error:
            if not hung_up(error):
                raise
        # llama.cpp's server closes a connection after a stream that it promised to keep: a
        # request that takes it just then is lost, and a new connection is as good as any.
        return await request.timer.on(self._post(request))

    async def _post(self, request: Request) -> httpx2.Response:
        """By the client's own post: chat.completions.create copies the body part by part."""
        client = self._client(request.endpoint)
        # A whole URL, and the response itself: the client would join the one from parts, and wrap
        # the other in a stream of its own, for a tenth of the time that a request takes.
        response = await client.post(
            f"{client.base_url}chat/completions",
            cast_to=httpx2.Response,
            body=request.asked.body,
            # The key is not sent, but where none is given, the client draws a random one.
            options={
                "headers": request.headers,
                "idempotency_key": request.headers["X-Request-Id"],
            },
            stream=True,
            stream_cls=AsyncStream[Any],
        )
        return cast(httpx2.Response, response)

    async def _parts(
        self, response: httpx2.Response, timer: StreamTimer
    ) -> AsyncGenerator[bytes, None]:
        """The unpacked body. Raises: TimeoutError, PLUMBING."""
        async with aclosing(response.aiter_bytes()) as parts:
            while (part := await timer.on(anext(parts, None))) is not None:
                for start in range(0, len(part), SLICE_BYTES):
                    yield part[start : start + SLICE_BYTES]
                    if len(part) > SLICE_BYTES:
                        await asyncio.sleep(0)
                if timer.flows and (pause_s := self._pause_s()):
                    await asyncio.sleep(pause_s)

    def _client(self, endpoint: Endpoint) -> AsyncOpenAI:
        server = (endpoint.base_url, endpoint.api_key, endpoint.connect_s)
        if server not in self._clients:
            limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
            # The StreamTimer ends a silence: a keep-alive comment would reset a read timeout here.
            timeout = httpx2.Timeout(None, connect=endpoint.connect_s)
            self._clients[server] = AsyncOpenAI(
                base_url=endpoint.base_url,
                api_key=endpoint.api_key or NO_KEY,
                max_retries=0,
                http_client=DefaultAioHttpClient(
                    timeout=timeout,
                    limits=limits,
                    follow_redirects=False,
                    event_hooks={"response": [refuse]},
                ),
            )
        return self._clients[server]
