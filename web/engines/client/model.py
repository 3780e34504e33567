"""The chat stream of an engine through the official client, read lean, its failures translated."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from broker import trace
from broker.contract.hint import Lane
from broker.contract.job import Endpoint, Sampling
from web.engines.client.chunk import Chunk, parse
from web.engines.client.errors import ModelCut, ModelTimeout
from web.engines.client.patience import Patience
from web.engines.client.sse import SseReader
from web.engines.client.translation import PLUMBING, before_headers, hung_up, in_stream

MAX_CONNECTIONS = 4096
KEEPALIVE_S = 3.0
"""Below the 5 s after which uvicorn, so vLLM, closes an idle connection: a reused one is alive."""
DONE = b"[DONE]"
NOTHING = Chunk()
NO_KEY = "none"
"""Sent where an engine needs none: left out, the client would send OPENAI_API_KEY there."""
BATCH_PRIORITY = 10
"""vLLM admits the lower number first."""


class Model:
    """One client for each server and key, made at first use; belongs to the loop it is used on."""

    def __init__(self) -> None:
        # A changed endpoint leaves its old client here: admins do that a few times in a life.
        self._clients: dict[tuple[str, str, float], AsyncOpenAI] = {}
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
        messages: Sequence[ChatCompletionMessageParam],
        request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:
        """Chunks that say something, until the model has finished.

        messages: if the last one is the assistant's, a vLLM server goes on where it ends.
        Closing the iterator, or a cancellation, closes the connection: the engine's slot is free.
        Raises: ModelUnavailable, ModelBusy, ModelTimeout, ModelRefused, ModelCut.
        """
        patience = Patience(endpoint)
        finished = False
        body = request_body(endpoint, sampling, messages, lane)
        response = await self._open(patience, endpoint, body, request_id)
        try:
            parts, reader = response.aiter_bytes(), SseReader()
            while (part := await patience.on(anext(parts, None))) is not None:
                for data in reader.feed(part):
                    if data == DONE:
                        patience.note_done()
                        continue
                    chunk = parse(data)
                    self.chunks += 1
                    finished = finished or chunk.finish_reason is not None
                    if chunk != NOTHING:
                        yield chunk
                    # After the yield: the reader's own time is no silence of the engine.
                    patience.note_chunk()
            if not finished:
                raise ModelCut("the stream ended without a finish reason")
        except TimeoutError:
            if not finished:
                raise ModelTimeout(patience.why()) from None
        except (*PLUMBING, ModelCut) as error:
            if not finished:
                raise in_stream(error, patience.began) from None
        finally:
            patience.end()
            await response.aclose()

    async def _open(
        self, patience: Patience, endpoint: Endpoint, body: dict[str, Any], request_id: str
    ) -> httpx2.Response:
        try:
            try:
                return await patience.on(self._post(endpoint, body, request_id))
            except PLUMBING as error:
                if not hung_up(error):
                    raise
            # llama.cpp's server closes a connection after a stream that it promised to keep: a
            # request that takes it just then is lost, and a new connection is as good as any.
            return await patience.on(self._post(endpoint, body, request_id))
        except TimeoutError:
            raise ModelTimeout(patience.why()) from None
        except PLUMBING as error:
            raise before_headers(error, endpoint.api_key) from None

    async def _post(
        self, endpoint: Endpoint, body: dict[str, Any], request_id: str
    ) -> httpx2.Response:
        """By the client's own post: chat.completions.create copies the body part by part."""
        stream = await self._client(endpoint).post(
            "/chat/completions",
            cast_to=ChatCompletionChunk,
            body=body,
            options={"headers": {"X-Request-Id": request_id, **trace.headers()}},
            stream=True,
            stream_cls=AsyncStream[ChatCompletionChunk],
        )
        return stream.response

    def _client(self, endpoint: Endpoint) -> AsyncOpenAI:
        place = (endpoint.base_url, endpoint.api_key, endpoint.connect_s)
        if place not in self._clients:
            limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
            # Silence is Patience's matter: a comment line would reset the transport's read timeout.
            timeout = httpx2.Timeout(None, connect=endpoint.connect_s)
            self._clients[place] = AsyncOpenAI(
                base_url=endpoint.base_url,
                api_key=endpoint.api_key or NO_KEY,
                max_retries=0,
                http_client=DefaultAioHttpClient(timeout=timeout, limits=limits),
            )
        return self._clients[place]


def request_body(
    endpoint: Endpoint,
    sampling: Sampling,
    messages: Sequence[ChatCompletionMessageParam],
    lane: Lane,
) -> dict[str, Any]:
    """As /v1/chat/completions takes it, with what only vLLM understands for a vLLM server."""
    body = {
        "model": endpoint.model,
        "messages": messages,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return body | vllm_parameters(messages, lane) if endpoint.kind == "vllm" else body


def vllm_parameters(messages: Sequence[ChatCompletionMessageParam], lane: Lane) -> dict[str, Any]:
    """What only vLLM takes. Usage comes with every chunk: the gate may stop a stream early."""
    goes_on = messages[-1]["role"] == "assistant"
    return {
        "priority": BATCH_PRIORITY if lane is Lane.BATCH else 0,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        **({"continue_final_message": True, "add_generation_prompt": False} if goes_on else {}),
    }
