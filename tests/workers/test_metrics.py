"""What workers count, time, trace and log of an attempt, and how a node shows it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from celery.app.task import Context
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from broker import dispatch
from broker.base import trace
from broker.base.errors import BadSetting
from broker.base.metrics import REGISTRY
from broker.connect import AsyncBroker
from broker.contract.job import Endpoint
from broker.embedded import Embedded
from broker.health import EngineFailure
from tests.broker.test_trace import by_name, spans
from tests.fakes.launch import FakeEngine
from tests.web.kit import queued
from tests.web.test_logs import lines
from tests.web.test_metrics import samples
from tests.workers.conftest import ScriptedModel
from tests.workers.kit import claimed as taken
from tests.workers.test_attempt import hint
from tests.workers.test_bad_servers import JOB
from tests.workers.test_moving import join, serve
from tests.workers.test_rescue import claimed, run_out
from web.courses.models import Exercise
from web.engines.client.errors import EngineFailed
from web.engines.client.model import Model
from web.hints import jobs, store
from web.link import broker
from web.people.models import User
from workers.attempt import attempt
from workers.attempt.mishap import Broke
from workers.attempt.write import write
from workers.guard.rescue import Rescue
from workers.node.exposition import PORT, Exposition
from workers.pool.job import request_of
from workers.runtime import Runtime

__all__ = ["hint", "lines", "spans"]
pytestmark = pytest.mark.django_db(transaction=True)
FIX = ("Write `return a + b` there.",)


class Counted:
    """Samples of the registry, as they have grown since this was made."""

    def __init__(self) -> None:
        self._before = dict(self.now())

    @staticmethod
    def now() -> Iterator[tuple[tuple[Any, ...], float]]:
        for family in REGISTRY.collect():
            for sample in family.samples:
                labels = (sample.labels[name] for name in sorted(sample.labels))
                yield (sample.name, *labels), sample.value

    def __getitem__(self, key: tuple[str, ...]) -> float:
        return dict(self.now()).get(key, 0) - self._before.get(key, 0)


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def test_an_answer_is_counted_and_timed(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    runtime.model = ScriptedModel(good)

    await attempt.generate(runtime, hint)

    assert counted["hint_attempts_total", "answered"] == 1
    assert counted["hint_queue_wait_seconds_count", "interactive"] == 1
    assert 0 < counted["hint_queue_wait_seconds_sum", "interactive"] < 60
    assert counted["hint_ttft_seconds_count", "cold", "gpu0", "write"] == 1
    assert counted["hint_prompt_tokens_total", "gpu0", "write"] == 10
    assert counted["hint_dispatch_seconds_count",] == 0


async def test_the_first_token_is_timed_from_the_request(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    async def slow(piece: str) -> None:
        await asyncio.sleep(0.06 if piece == good[0] else 0.3)

    runtime.model = ScriptedModel(good, gate=slow)

    await attempt.generate(runtime, hint)

    assert counted["hint_ttft_seconds_sum", "cold", "gpu0", "write"] >= 0.06
    assert counted["hint_ttft_seconds_count", "cold", "gpu0", "write"] == 1


async def test_a_second_try_after_the_gate_is_no_second_sample(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    runtime.model = ScriptedModel(FIX, good)

    await attempt.generate(runtime, hint)

    assert len(runtime.model.requests) == 2
    assert counted["hint_ttft_seconds_count", "cold", "gpu0", "write"] == 1
    assert counted["hint_attempts_total", "answered"] == 1


@pytest.mark.parametrize(
    ("script", "outcome"),
    [([FIX, FIX], "withheld"), ([[EngineFailed(EngineFailure.UNREACHABLE, "no")]], "failed")],
)
async def test_an_attempt_is_counted_by_its_outcome(
    runtime: Runtime, hint: str, counted: Counted, script: list[Any], outcome: str
) -> None:
    runtime.model = ScriptedModel(*script)

    await attempt.generate(runtime, hint)

    assert counted["hint_attempts_total", outcome] == 1


async def test_an_attempt_whose_hint_goes_to_another_engine_has_moved(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    await join(runtime, "gpu1")

    await serve(runtime, hint, [EngineFailed(EngineFailure.UNREACHABLE, "no")])
    await serve(runtime, hint, good, at="gpu1")

    assert counted["hint_attempts_total", "moved"] == 1
    assert counted["hint_attempts_total", "answered"] == 1
    assert counted["hint_queue_wait_seconds_count", "retry"] == 1


async def test_an_attempt_that_was_cancelled_is_dropped(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    async def cancel(piece: str) -> None:
        if piece == good[-1]:
            await runtime.database.run(store.cancel, hint)

    runtime.model = ScriptedModel(good, gate=cancel)

    await attempt.generate(runtime, hint)

    assert counted["hint_attempts_total", "dropped"] == 1
    assert counted["hint_attempts_total", "answered"] == 0


async def test_an_attempt_under_which_the_worker_stops_is_interrupted(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    writing = asyncio.Event()

    async def hang(piece: str) -> None:
        writing.set()
        await asyncio.Event().wait()

    runtime.model = ScriptedModel(good, gate=hang)
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await writing.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    assert counted["hint_attempts_total", "interrupted"] == 1


async def test_what_breaks_is_counted_too(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def broken(*_: Any) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(store, "finish", broken)
    runtime.model = ScriptedModel(good)

    with pytest.raises(Broke, match="RuntimeError"):
        await attempt.generate(runtime, hint)

    assert counted["hint_attempts_total", "error"] == 1


async def test_a_later_attempt_waits_in_the_retry_lane(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    await claimed(runtime, hint)
    assert await runtime.database.run(store.requeue, hint, 1)
    await runtime.broker.run(dispatch.requeue(hint, "gpu0", 1, exclude=False))
    runtime.model = ScriptedModel(good)

    await attempt.generate(runtime, hint)

    assert counted["hint_queue_wait_seconds_count", "retry"] == 1


async def test_a_lease_that_ran_out_is_counted_once(
    runtime: Runtime, hint: str, counted: Counted
) -> None:
    await claimed(runtime, hint)
    await run_out(runtime, hint)
    rescue = Rescue(runtime.broker, runtime.database)

    await rescue.tick()
    await rescue.tick()

    assert counted["hint_lease_expired_total",] == 1


async def test_the_message_tells_when_it_was_sent(
    runtime: Runtime, hint: str, good: tuple[str, ...], counted: Counted
) -> None:
    runtime.model = ScriptedModel(good)
    sent_s = await runtime.broker.client.time()
    token = request_of.set(Context({"id": "x", "sent_s": sent_s[0] - 1.5}))
    try:
        await attempt.generate(runtime, hint)
    finally:
        request_of.reset(token)

    assert counted["hint_dispatch_seconds_count",] == 1
    assert 1.5 <= counted["hint_dispatch_seconds_sum",] < 60


async def test_the_first_token_is_told_apart_by_affinity(
    runtime: Runtime, student: User, exercise: Exercise, good: tuple[str, ...], counted: Counted
) -> None:
    def asked() -> str:
        hint = queued(student, exercise, locale="en", prefix="p1")
        ticket = replace(jobs.ticket(hint), prefix_tokens=400)
        assert broker().run(dispatch.admit(ticket)).grant
        return str(hint.pk)

    runtime.model = ScriptedModel(good)
    await attempt.generate(runtime, await runtime.database.run(asked))

    assert counted["hint_ttft_seconds_count", "home", "gpu0", "write"] == 1


async def test_an_attempt_joins_the_trace_of_its_hint(
    runtime: Runtime, hint: str, good: tuple[str, ...], spans: InMemorySpanExporter
) -> None:
    sent: list[str] = []

    async def note(piece: str) -> None:
        sent.append(trace.headers()["traceparent"])

    runtime.model = ScriptedModel(good, gate=note)
    await attempt.generate(runtime, hint)

    found = by_name(spans)
    trace_id, parent = trace.ids(hint)
    assert {span.context.trace_id for span in found.values()} == {trace_id}  # type: ignore[union-attr]
    assert found["attempt"].parent is not None
    assert found["attempt"].parent.span_id == parent
    own = found["model"].context
    assert own is not None
    assert {header.split("-")[2] for header in sent} == {f"{own.span_id:016x}"}
    assert [event.name for event in found["model"].events] == ["first chunk"]
    assert "return a" not in "".join(span.to_json() for span in found.values())


async def test_the_engine_gets_the_trace_with_the_request(spans: InMemorySpanExporter) -> None:
    name = "0b6e1c9c-5a4e-4d6f-9a55-6d2f3a1f7c11"
    with FakeEngine() as engine:
        endpoint = Endpoint(base_url=engine.url, model="fake")
        attempt = taken(replace(JOB, hint=name, endpoint=endpoint), model := Model())
        with trace.attempt(name, 1, "gpu0"):
            await write(attempt)
        await model.aclose()
        (request,) = engine.stats()["requests"]

    own = by_name(spans)["model"].context
    assert own is not None
    sent = request["headers"]["traceparent"]
    assert sent == f"00-{own.trace_id:032x}-{own.span_id:016x}-01"


async def test_the_lines_of_an_attempt_name_it(
    runtime: Runtime, hint: str, good: tuple[str, ...],
    lines: Callable[[], list[dict[str, Any]]],
) -> None:  # fmt: skip
    async def say(piece: str) -> None:
        logging.getLogger("somewhere.deep").warning("something odd")

    runtime.model = ScriptedModel(good, gate=say)

    await asyncio.create_task(attempt.generate(runtime, hint))

    odd = next(line for line in lines() if line["message"] == "something odd")
    assert (odd["hint"], odd["attempt"], odd["engine"]) == (hint, 1, "gpu0")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, **headers: str) -> str:
    request = HttpRequest(f"http://127.0.0.1:{port}/metrics", headers=headers)
    with urlopen(request, timeout=30) as answer:  # noqa: S310  # our own address
        page: str = answer.read().decode()
        return page


async def test_a_node_shows_the_fleet_and_the_counts(
    home_valkey: Embedded, runtime: Runtime, hint: str, good: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(PORT, str(port := free_port()))
    runtime.model = ScriptedModel(good)
    await attempt.generate(runtime, hint)

    async with Exposition(runtime.broker):
        page = await asyncio.to_thread(fetch, port)

    seen = samples(page)
    assert seen["hint_broker_up"] == 1
    assert seen["hint_engine_limit{engine=gpu0}"] >= 1
    assert seen["hint_attempts_total{outcome=answered}"] >= 1
    assert hint not in page


async def test_a_node_without_redis_still_shows_its_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PORT, str(port := free_port()))
    nowhere = AsyncBroker("redis://127.0.0.1:1/0")

    async with Exposition(nowhere):
        seen = samples(await asyncio.to_thread(fetch, port))

    await nowhere.aclose()
    assert seen["hint_broker_up"] == 0
    assert "hint_lease_expired_total" in seen


async def test_a_node_with_a_token_shows_it_to_nobody_else(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PORT, str(port := free_port()))
    monkeypatch.setenv("HINTLINE_METRICS_TOKEN", "a long random word")

    async with Exposition(runtime.broker):
        with pytest.raises(HTTPError) as refused:
            await asyncio.to_thread(fetch, port)
        refused.value.close()
        headers = {"Authorization": "Bearer a long random word"}
        assert "hint_broker_up" in await asyncio.to_thread(fetch, port, **headers)

    assert refused.value.code == 404


async def test_a_taken_port_is_named(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        monkeypatch.setenv(PORT, str(other.getsockname()[1]))

        with pytest.raises(BadSetting, match=rf"{PORT}=\d+: .*in use"):
            async with Exposition(runtime.broker):
                pass


async def test_without_a_port_nothing_listens(runtime: Runtime) -> None:
    async with Exposition(runtime.broker):
        pass
