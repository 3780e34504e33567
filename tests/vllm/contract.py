"""What Hintline relies on in vLLM. The fake and the real one pass the same tests.

A subclass gives the fixture `server`. Source of each claim: a vLLM 0.32.0 that was tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from broker.contract.job import Endpoint, Sampling
from broker.health import EngineFailure
from tests.failures import fails
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.client.model import Model
from workers.guard import scrape

KEY = "sk-contract"
SLOTS = 4
QUEUED = 12
FLAGS = {
    "max_num_seqs": SLOTS,
    "max_num_queued_reqs": QUEUED,
    "max_model_len": 4096,
    "api_key": KEY,
}
WAIT_S = 60.0
LONG_TOKENS = 400
"""Of an answer that outlives its test."""


@dataclass(frozen=True)
class Server:
    """One vLLM, started with FLAGS. url ends in /v1; block_tokens: of its prefix cache."""

    url: str
    model: str
    block_tokens: int
    wait_s: float = WAIT_S

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            base_url=self.url,
            model=self.model,
            api_key=KEY,
            first_chunk_s=self.wait_s,
            idle_s=self.wait_s,
        )

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.url, api_key=KEY, max_retries=0, timeout=WAIT_S)

    async def get(self, path: str) -> tuple[int, str]:
        url = self.url.removesuffix("/v1") + path
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    async def page(self) -> scrape.Page:
        page = scrape.parse((await self.get("/metrics"))[1])
        assert page is not None
        return page

    async def value(self, series: str) -> float:
        return (await self.page()).values[series]

    async def until(self, series: str, fits: Callable[[float], bool], within_s: float) -> None:
        deadline_s = monotonic() + within_s
        while not fits(value := await self.value(series)):
            assert monotonic() < deadline_s, f"{series} is {value}"
            await asyncio.sleep(0.05)


def prompt(words: int = 0, ending: str = "Say yes.", start: str = "") -> list[dict[str, str]]:
    """A chat whose beginning no other test shares, unless it gives the same start."""
    start = start or uuid4().hex
    return [{"role": "user", "content": f"{start} {'value ' * words}{ending}"}]


async def opened(
    client: AsyncOpenAI, server: Server, messages: list[dict[str, str]], tokens: int, **more: Any
) -> AsyncStream[ChatCompletionChunk]:
    """A stream of exactly so many tokens."""
    stream: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(  # type: ignore[call-overload]
        model=server.model,
        messages=messages,
        max_tokens=tokens,
        stream=True,
        extra_body={"ignore_eos": True} | more.pop("extra_body", {}),
        **more,
    )
    return stream


async def first_token_s(stream: AsyncStream[ChatCompletionChunk]) -> float:
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    return monotonic()


class Contract:
    @pytest.fixture
    async def model(self) -> AsyncIterator[Model]:
        model = Model()
        yield model
        await model.aclose()

    @pytest.fixture
    async def client(self, server: Server) -> AsyncIterator[AsyncOpenAI]:
        async with server.client() as client:
            yield client
        await server.until(scrape.RUNNING, lambda running: not running, WAIT_S)

    async def test_words_a_finish_reason_and_the_usage_come(
        self, server: Server, model: Model
    ) -> None:
        sampling = Sampling(max_tokens=16)
        stream = model.stream(server.endpoint, sampling, prompt(), "hint-1")  # type: ignore[arg-type]
        chunks = [chunk async for chunk in stream]

        assert "".join(chunk.text for chunk in chunks).strip()
        assert [c.finish_reason for c in chunks if c.finish_reason] in (["stop"], ["length"])
        usage = next(chunk.usage for chunk in reversed(chunks) if chunk.usage)
        assert usage.prompt_tokens > 8
        assert 1 <= usage.completion_tokens <= 16

    async def test_a_shared_beginning_comes_from_the_cache(
        self, server: Server, client: AsyncOpenAI
    ) -> None:
        hits = await server.value(scrape.HITS)
        start, cached = uuid4().hex, []
        for ending in ("Say one.", "Say two."):
            answer = await client.chat.completions.create(
                model=server.model,
                messages=prompt(400, ending, start),  # type: ignore[arg-type]
                max_tokens=2,
            )
            assert answer.usage is not None
            assert answer.usage.prompt_tokens_details is not None
            cached.append(answer.usage.prompt_tokens_details.cached_tokens or 0)

        assert cached[0] < server.block_tokens
        assert cached[1] > answer.usage.prompt_tokens - 2 * server.block_tokens
        assert await server.value(scrape.HITS) - hits == sum(cached)

    async def test_every_frame_can_carry_the_usage(
        self, server: Server, client: AsyncOpenAI
    ) -> None:
        options = {"include_usage": True, "continuous_usage_stats": True}
        stream = await opened(client, server, prompt(), 4, stream_options=options)
        usages = [chunk.usage async for chunk in stream]

        assert all(usages)
        done = [usage.completion_tokens for usage in usages if usage]
        assert done == sorted(done)
        assert (done[0], done[-1]) == (0, 4)
        # Only the last one tells what came from the cache.
        details = [usage.prompt_tokens_details for usage in usages if usage]
        assert not any(details[:-1])
        assert details[-1]

    async def test_our_request_id_names_the_stream(
        self, server: Server, client: AsyncOpenAI
    ) -> None:
        name = f"{uuid4()}-2"
        stream = await opened(client, server, prompt(), 2, extra_headers={"X-Request-Id": name})
        ids = {chunk.id async for chunk in stream}

        assert ids == {f"chatcmpl-{name}"}
        assert stream.response.headers["x-request-id"] == name

    async def test_leaving_a_stream_frees_its_slot(
        self, server: Server, client: AsyncOpenAI
    ) -> None:
        streams = [await opened(client, server, prompt(), LONG_TOKENS) for _ in range(SLOTS)]
        await server.until(scrape.RUNNING, lambda running: running == SLOTS, WAIT_S)

        for stream in streams:
            await stream.close()

        # vLLM's gauges are as old as its last step.
        await server.until(scrape.RUNNING, lambda running: running == 0, 5)

    async def test_more_than_the_slots_wait_and_more_than_the_queue_are_refused(
        self, server: Server, client: AsyncOpenAI, model: Model
    ) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(QUEUED):
                stream = await opened(client, server, prompt(), LONG_TOKENS)
                await stack.enter_async_context(stream)
            await server.until(scrape.RUNNING, lambda running: running == SLOTS, WAIT_S)
            await server.until(scrape.BY_REASON, lambda count: count == QUEUED - SLOTS, WAIT_S)

            sampling = Sampling(max_tokens=2)
            with fails(EngineFailure.BUSY, match="status 503"):
                await anext(model.stream(server.endpoint, sampling, prompt(), "hint-1"))  # type: ignore[arg-type]

        await server.until(scrape.WAITING, lambda waiting: waiting == 0, WAIT_S)

    async def test_who_is_urgent_overtakes(self, server: Server, client: AsyncOpenAI) -> None:
        busy = [await opened(client, server, prompt(), 60) for _ in range(SLOTS)]
        await server.until(scrape.RUNNING, lambda running: running == SLOTS, WAIT_S)
        order = []
        # As many as would fill the free slots, so that the last can only come by overtaking.
        for priority in (10,) * SLOTS + (0,):
            body = {"priority": priority}
            order.append(await opened(client, server, prompt(), 30, extra_body=body))
        firsts = await asyncio.gather(*map(first_token_s, order))

        assert firsts[-1] <= sorted(firsts)[SLOTS - 1]
        assert firsts[-1] < max(firsts)
        for stream in busy + order:
            await stream.close()

    async def test_the_metrics_have_all_that_is_read(
        self, server: Server, client: AsyncOpenAI
    ) -> None:
        before = await server.page()
        stream = await opened(client, server, prompt(), 20)
        assert len([chunk async for chunk in stream if chunk.choices]) >= 20

        # As above: the counters come with a step, or a little after.
        await server.until(
            scrape.GENERATED, lambda all_: all_ >= before.values[scrape.GENERATED] + 20, WAIT_S
        )
        after = await server.page()
        assert after.missing == ()
        assert after.values[scrape.STEPS] >= before.values[scrape.STEPS] + 20
        assert (after.kv_tokens or 0) >= FLAGS["max_model_len"]
        assert await server.get("/health") == (200, "")

    @pytest.mark.parametrize(
        ("change", "words", "cause"),
        [
            ({"model": "nobody"}, 0, Refusal.MODEL),
            ({"api_key": "sk-wrong"}, 0, Refusal.KEY),
            ({}, 20_000, Refusal.REQUEST),
        ],
        ids=["model", "key", "too long"],
    )
    async def test_refusals_are_told_apart(
        self, server: Server, model: Model, change: dict[str, str], words: int, cause: Refusal
    ) -> None:
        endpoint, sampling = replace(server.endpoint, **change), Sampling(max_tokens=2)  # type: ignore[arg-type]

        with pytest.raises(ModelRefused) as caught:
            await anext(model.stream(endpoint, sampling, prompt(words), "hint-1"))  # type: ignore[arg-type]

        assert caught.value.cause is cause

    async def test_a_cut_answer_is_continued(self, server: Server, client: AsyncOpenAI) -> None:
        # Only one letter can follow: where two words are as likely, the rounding of a GPU or CPU
        # chooses, and it differs between what was written and what was read.
        asked = prompt(start="Say the alphabet:", ending="A B C D E F G")
        whole = await said(client, server, asked, 24)
        start = whole[: whole.index(" ", len(whole) // 2)]
        more = {"continue_final_message": True, "add_generation_prompt": False}

        cut = [*asked, {"role": "assistant", "content": start}]
        rest = await said(client, server, cut, 24, extra_body=more)

        assert rest.startswith(" ")
        assert whole[len(start) :] == rest[: len(whole) - len(start)]

    async def test_sigterm_with_a_timeout_finishes_what_runs_and_refuses_what_comes(
        self, draining: Doomed, model: Model
    ) -> None:
        server = draining.server
        async with server.client() as client:
            stream = await opened(client, server, prompt(), 60)
            await first_token_s(stream)
            ending = asyncio.create_task(last_reason(stream))

            draining.terminate()
            refusal = await refused(server, model)
            # The trap: a server that refuses everything says that it is well.
            health = await server.get("/health")

            assert "status 500" in refusal
            assert health == (200, "")
            assert await ending == "length"

    async def test_sigterm_without_a_timeout_finishes_no_stream(
        self, hanging: Doomed, model: Model
    ) -> None:
        server = hanging.server
        endpoint = replace(server.endpoint, idle_s=3.0)
        stream = model.stream(endpoint, Sampling(max_tokens=LONG_TOKENS), prompt(), "hint-1")  # type: ignore[arg-type]
        await anext(stream)

        hanging.terminate()

        # Mostly no frame comes any more, and only a watch on the silence notices; else an error.
        with pytest.raises(EngineFailed, match=r"no chunk for 3 s|EngineCore") as broken:
            async for _ in stream:
                pass
        assert broken.value.failure in (EngineFailure.TIMEOUT, EngineFailure.CUT)


@dataclass(frozen=True)
class Doomed:
    """A server that a test ends. terminate: sends SIGTERM."""

    server: Server
    terminate: Callable[[], None]


async def refused(server: Server, model: Model) -> str:
    """Asks until it is refused; how."""
    deadline_s = monotonic() + WAIT_S
    while monotonic() < deadline_s:
        stream = model.stream(server.endpoint, Sampling(max_tokens=1), prompt(), "hint-1")  # type: ignore[arg-type]
        try:
            async for _ in stream:
                pass
        except EngineFailed as error:
            if error.failure in (EngineFailure.TIMEOUT, EngineFailure.CUT):
                raise
            return str(error)
    raise AssertionError("it still answers")


async def said(
    client: AsyncOpenAI, server: Server, messages: list[dict[str, str]], tokens: int, **more: Any
) -> str:
    stream = await opened(client, server, messages, tokens, temperature=0, **more)
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


async def last_reason(stream: AsyncStream[ChatCompletionChunk]) -> str | None:
    reasons = [chunk.choices[0].finish_reason async for chunk in stream if chunk.choices]
    return reasons[-1]
