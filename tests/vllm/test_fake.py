"""The fake vLLM keeps the contract, and does wrong what it is told to do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.contract.job import Sampling
from broker.health import EngineFailure
from tests.failures import fails
from tests.fakes.launch import FakeVllm
from tests.fakes.vllm_cache import BLOCK_TOKENS
from tests.fakes.vllm_faults import Fault, Wrong
from tests.vllm.contract import FLAGS, Contract, Doomed, Server, prompt
from web.engines.client.model import Model
from workers.guard import scrape

QUICK = FLAGS | {"step_s": 0.005, "prefill_tps": 50_000}


def server_of(fake: FakeVllm) -> Server:
    return Server(fake.url, "fake", BLOCK_TOKENS)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeVllm]:
    with FakeVllm(**QUICK) as fake:
        yield fake


@pytest.fixture
def server(fake: FakeVllm) -> Iterator[Server]:
    yield server_of(fake)
    fake.fault(Fault(wrong=Wrong.HEAL))


def doomed(shutdown_timeout: float) -> Iterator[Doomed]:
    with FakeVllm(**QUICK, shutdown_timeout=shutdown_timeout) as fake:
        yield Doomed(server_of(fake), fake.process.terminate)


class TestFake(Contract):
    @pytest.fixture
    def draining(self) -> Iterator[Doomed]:
        yield from doomed(120)

    @pytest.fixture
    def hanging(self) -> Iterator[Doomed]:
        yield from doomed(0)


class TestFaults:
    @pytest.fixture
    async def model(self) -> Any:
        model = Model()
        yield model
        await model.aclose()

    async def read(self, server: Server, model: Model) -> str:
        """What came before it went wrong."""
        stream = model.stream(server.endpoint, Sampling(), prompt(), "hint-1")  # type: ignore[arg-type]
        return "".join([chunk.text async for chunk in stream])

    @pytest.mark.parametrize(
        ("fault", "failure", "words"),
        [
            (Fault(wrong=Wrong.CUT), EngineFailure.CUT, "broke"),
            (Fault(wrong=Wrong.EOF), EngineFailure.CUT, "without a finish reason"),
            (Fault(wrong=Wrong.ERROR_FRAME), EngineFailure.CUT, "EngineCore"),
            (
                Fault(wrong=Wrong.EOF, after_tokens=1000),
                EngineFailure.CUT,
                "without a finish reason",
            ),
            (Fault(wrong=Wrong.STATUS, status=503), EngineFailure.BUSY, "503"),
            (Fault(wrong=Wrong.DEAD), EngineFailure.UNREACHABLE, "500"),
        ],
    )
    async def test_a_request_fails_as_told_and_the_next_one_does_not(
        self, model: Model, fault: Fault, failure: EngineFailure, words: str
    ) -> None:
        with FakeVllm(**QUICK) as fake:
            fake.fault(fault)
            with fails(failure, match=words):
                await self.read(server_of(fake), model)

            if fault.wrong is Wrong.DEAD:
                assert fake.process.wait(30) == 1
                return
            assert await self.read(server_of(fake), model)
            assert fake.state()["running"] == 0

    @pytest.mark.parametrize("wrong", [Wrong.HANG, Wrong.FREEZE])
    async def test_a_silent_stream_is_seen_by_its_silence_only(
        self, server: Server, fake: FakeVllm, model: Model, wrong: Wrong
    ) -> None:
        fake.fault(Fault(wrong=wrong))

        with fails(EngineFailure.TIMEOUT):
            await self.read(replace(server, wait_s=0.5), model)

        # Its server looks well.
        assert await server.get("/health") == (200, "")
        fake.fault(Fault(wrong=Wrong.HEAL))
        await server.until(scrape.RUNNING, lambda running: running == 0, 30)

    async def test_a_frozen_engine_makes_no_step(self, server: Server, fake: FakeVllm) -> None:
        fake.fault(Fault(wrong=Wrong.FREEZE))
        steps = await server.value(scrape.STEPS)
        async with server.client() as client:
            stream = await client.chat.completions.create(
                model=server.model,
                messages=prompt(),  # type: ignore[arg-type]
                stream=True,
            )
            assert await server.value(scrape.STEPS) == steps
            fake.fault(Fault(wrong=Wrong.HEAL))
            assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "stop"
        assert await server.value(scrape.STEPS) > steps

    async def test_a_series_can_be_hidden(self, server: Server, fake: FakeVllm) -> None:
        fake.fault(Fault(wrong=Wrong.HIDE, series="vllm:kv_cache_usage_perc"))

        assert (await server.page()).missing == (scrape.KV_USAGE,)

    def test_a_crash_is_a_process_that_is_gone(self) -> None:
        with FakeVllm(**QUICK) as fake:
            fake.fault(Fault(wrong=Wrong.CRASH))

            assert fake.process.wait(30) == 1

    async def test_blocks_that_do_not_fit_wait_and_growth_preempts(self) -> None:
        """Room for two answers of this length, while four want to run."""
        flags = QUICK | {"kv_blocks": 40, "max_model_len": 400}
        with FakeVllm(**flags) as fake:
            server = server_of(fake)
            async with server.client() as client:
                answers = await asyncio.gather(
                    *(
                        client.chat.completions.create(
                            model="fake",
                            messages=prompt(20),  # type: ignore[arg-type]
                            max_tokens=200,
                            extra_body={"ignore_eos": True},
                        )
                        for _ in range(4)
                    )
                )
            assert {answer.usage and answer.usage.completion_tokens for answer in answers} == {200}
            page = await server.page()
            assert page.values[scrape.PREEMPTIONS] > 0
            assert page.values[scrape.KV_USAGE] == 0
