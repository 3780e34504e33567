"""What the monitor makes of what engines answer: against a server that says what it is told."""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sized
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker import dispatch, fleet, health, keys
from broker.contract.hint import Lane
from broker.dispatch import Expired, Phase, Ticket
from broker.health import EngineFailure, EngineState, Health, Why
from tests.fakes.launch import FakeVllm
from tests.fakes.vllm_faults import Fault, Wrong
from tests.web.kit import forget
from tests.workers.pages import page_text
from web.engines import roster
from web.engines.models import AIModelConfig, Engine, Mode
from workers.background import every
from workers.guard import monitor as monitor_module
from workers.guard.monitor import Monitor
from workers.guard.scrape import SERIES
from workers.guard.watch import Reply
from workers.node.node import AWAY
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
UP, DOWN, PROBING = EngineState.UP, EngineState.DOWN, EngineState.PROBING


@dataclass
class Scripted:
    """A server of which each answer is set. page: what page_text takes; None: no metrics."""

    server: TestServer
    health: int = 200
    models: int = 200
    page: dict[str, Any] | None = field(default_factory=dict)
    hung: frozenset[str] = frozenset()
    raw: bytes = b""
    """In place of every page, if given; packed: as gzip."""
    packed: bool = False
    location: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and Authorization of each request."""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        if request.path in self.hung:
            await asyncio.Event().wait()
        if self.location:
            return web.Response(status=302, headers={"Location": self.location})
        if self.raw:
            headers = {"Content-Encoding": "gzip"} if self.packed else None
            return web.Response(body=self.raw, headers=headers)
        if request.path == "/metrics":
            text = "" if self.page is None else page_text(**self.page)
            return web.Response(text=text)
        status = {"/health": self.health, "/v1/models": self.models}.get(request.path, 404)
        return web.Response(status=status)


@asynccontextmanager
async def scripted(port: int = 0) -> AsyncIterator[Scripted]:
    app = web.Application()
    server = TestServer(app, port=port or None)
    engine = Scripted(server)
    app.router.add_get("/{path:.*}", engine.answer)
    await server.start_server(shutdown_timeout=0, access_log=None)
    try:
        yield engine
    finally:
        await server.close()


@pytest_asyncio.fixture
async def engine(runtime: Runtime) -> AsyncIterator[Scripted]:
    """gpu0, a vLLM; gpu1 is up beside it, and nobody looks at it."""
    async with scripted() as engine:
        await use(runtime, Mode.VLLM, str(engine.server.make_url("/v1")))
        await runtime.broker.run(fleet.set_engines({"gpu0": 64, "gpu1": 2}))
        await runtime.broker.run(fleet.beat("gpu0", "gpu0@test", 64, 60))
        await runtime.broker.run(fleet.beat("gpu1", "gpu1@test", 2, 60))
        yield engine


async def use(runtime: Runtime, kind: Mode, url: str, **columns: Any) -> None:
    def write() -> None:
        AIModelConfig.objects.update(mode=kind)
        Engine.objects.update(kind=kind, url=url, slots=64, **columns)
        forget()

    await runtime.database.run(write)


class Clock:
    """Ticks of a monitor, a second apart on a clock of its own."""

    def __init__(self, runtime: Runtime, session: aiohttp.ClientSession) -> None:
        self.runtime, self.session = runtime, session
        self.monitor = Monitor(runtime.broker, runtime.database)
        self.now_s = 1000.0

    async def tick(self, times: int = 1, step_s: float = 1.0) -> Health:
        for _ in range(times):
            self.now_s += step_s
            await self.monitor.tick(self.session, self.now_s)
        return await self.health()

    async def health(self) -> Health:
        return (await self.runtime.broker.run(health.state()))["gpu0"]

    async def occupy(self, count: int) -> None:
        """As if so many hints were in flight, neither more nor less."""
        leases = keys.LEASES("gpu0")
        await self.runtime.broker.client.delete(leases)
        if count:
            far = {f"other{n}": 10**15 for n in range(count)}
            await self.runtime.broker.client.zadd(leases, far)


@pytest_asyncio.fixture
async def clock(runtime: Runtime, engine: Scripted) -> AsyncIterator[Clock]:
    timeout = aiohttp.ClientTimeout(monitor_module.ASK_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Clock(runtime, session)


async def admit(runtime: Runtime, hint: str) -> None:
    ticket = Ticket(
        hint=hint, attempt=0, prefix="p", lane=Lane.INTERACTIVE, student="s", course="c", since_ms=1
    )  # fmt: skip
    await runtime.broker.run(dispatch.admit(ticket))


async def test_an_engine_that_answers_stays_up_and_is_read(clock: Clock, engine: Scripted) -> None:
    engine.page = {"running": 3, "waiting": 1, "kv_usage": 0.5}

    found = await clock.tick()

    assert (found.state, found.ejections) == (UP, 0)
    assert found.reading is not None
    assert (found.reading.running, found.reading.kv_usage) == (3, 0.5)
    assert found.reading.missing == ()
    assert sorted(engine.asked) == [("/health", ""), ("/metrics", "")]


@pytest.mark.parametrize("packed", [False, True])
async def test_a_page_without_an_end_is_no_page_and_costs_little(
    clock: Clock, engine: Scripted, packed: bool
) -> None:
    """In less than the second that an answer may take."""
    body = b"# nothing\n" * 10_000_000
    engine.raw = gzip.compress(body, 1) if packed else body[: 3 * monitor_module.PAGE_BYTES]
    engine.packed = packed
    tracemalloc.start()

    answers = [
        await monitor_module.ask(clock.session, str(engine.server.make_url(path)))
        for path in ("/metrics", "/health", "/v1/models")
    ]

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answers == [Reply(200, "")] * 3
    assert peak_bytes < 8 * monitor_module.PAGE_BYTES
    found = await clock.tick()
    assert (found.state, found.reading) == (UP, None)


async def test_an_engine_that_sends_us_on_is_not_followed(clock: Clock, engine: Scripted) -> None:
    engine.location = "http://127.0.0.1:1/"

    assert (await clock.tick()).state is UP
    assert sorted(path for path, _ in engine.asked) == ["/health", "/metrics"]


async def test_rates_come_from_the_ticks_before(clock: Clock, engine: Scripted) -> None:
    engine.page = {"generated": 100, "queries": 100, "hits": 0}
    await clock.tick()
    engine.page = {"generated": 180, "queries": 200, "hits": 90}

    found = await clock.tick(step_s=2)

    assert found.reading is not None
    assert (found.reading.tokens_s, found.reading.cached_ratio) == (40, 0.9)


async def test_nobody_listening_takes_the_engine_down_and_calls_in_its_hints(
    runtime: Runtime, clock: Clock, engine: Scripted
) -> None:
    await runtime.broker.run(fleet.set_engines({"gpu0": 64}))
    await admit(runtime, "h")
    await engine.server.close()

    found = await clock.tick()

    assert (found.state, found.why, found.ejections) == (DOWN, Why.REFUSED, 1)
    assert await runtime.broker.run(dispatch.expired()) == [Expired("h", "gpu0", 1, Phase.GRANTED)]


async def test_a_dead_engine_says_so_by_503(clock: Clock, engine: Scripted) -> None:
    engine.health = 503

    found = await clock.tick()

    assert (found.state, found.why) == (DOWN, Why.UNHEALTHY)


@pytest.mark.parametrize("hung", [{"/health"}, {"/health", "/metrics"}])
async def test_silence_takes_no_engine_down(
    clock: Clock, engine: Scripted, hung: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.hung = frozenset(hung)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.05)) as clock.session:
        found = await clock.tick(3)

    assert found.state is UP


@pytest.mark.parametrize("status", [404, 500])
async def test_another_status_of_health_is_no_sign(
    clock: Clock, engine: Scripted, status: int
) -> None:
    engine.health = status

    assert (await clock.tick()).state is UP


async def test_an_engine_that_holds_requests_and_makes_no_step_is_down(
    clock: Clock, engine: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    engine.page = {"running": 2, "steps": 70}
    assert (await clock.tick(20)).state is UP
    assert not caplog.records

    found = await clock.tick()

    assert (found.state, found.why) == (DOWN, Why.FROZEN)
    assert "makes no step" in caplog.text


async def test_the_last_engine_that_is_frozen_stays_up_with_one_alert(
    runtime: Runtime, clock: Clock, engine: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    await runtime.broker.run(health.down("gpu1", Why.REFUSED))
    engine.page = {"running": 2, "steps": 70}

    assert (await clock.tick(30)).state is UP

    assert [r.getMessage() for r in caplog.records] == [
        "engine gpu0 holds requests but makes no step"
    ]


@pytest.mark.parametrize("sign", ["steps", "idle", "chunk", "unknown"])
async def test_an_engine_that_moves_is_not_frozen(
    runtime: Runtime, clock: Clock, engine: Scripted, sign: str
) -> None:
    for second in range(45):
        engine.page = {"running": 2, "steps": 70}
        if sign == "steps":
            engine.page["steps"] += second // 15
        if sign == "idle":
            engine.page["running"] = 0
        if sign == "chunk":
            await runtime.broker.run(health.progress("gpu0"))
        if sign == "unknown":
            engine.page = None
        found = await clock.tick()

    assert found.state is UP


async def test_an_engine_that_is_back_gets_one_canary(clock: Clock, engine: Scripted) -> None:
    engine.health = 503
    await clock.tick()
    assert (await clock.tick(3)).state is DOWN

    engine.health = 200
    assert (await clock.tick()).state is PROBING
    assert (await clock.tick(3)).state is PROBING

    await clock.runtime.broker.run(health.worked("gpu0"))
    assert (await clock.tick()).state is UP


async def test_a_canary_whose_engine_dies_under_it_is_called_in(
    clock: Clock, engine: Scripted
) -> None:
    engine.health = 503
    await clock.tick()
    engine.health = 200
    await clock.tick()
    engine.health = 503

    found = await clock.tick()

    assert (found.state, found.ejections) == (DOWN, 2)


async def test_a_frozen_engine_is_not_probed_before_it_moves(
    clock: Clock, engine: Scripted
) -> None:
    engine.page = {"running": 2, "steps": 70}
    await clock.tick(21)
    assert (await clock.tick(5)).state is DOWN

    engine.page = {"running": 2, "steps": 71}

    assert (await clock.tick()).state is PROBING


async def test_a_refused_connection_that_comes_back_is_probed(
    runtime: Runtime, clock: Clock, engine: Scripted
) -> None:
    port = engine.server.port
    assert port
    await engine.server.close()
    assert (await clock.tick(2)).state is DOWN

    async with scripted(port):
        assert (await clock.tick()).state is PROBING


@pytest.mark.parametrize("kind", [Mode.API, Mode.LOCAL])
async def test_an_api_is_not_looked_at_while_it_is_up(
    runtime: Runtime, clock: Clock, engine: Scripted, kind: Mode
) -> None:
    await use(runtime, kind, str(engine.server.make_url("/v1")))

    assert await clock.tick(3) == Health()
    assert engine.asked == []


@pytest.mark.parametrize("kind", [Mode.API, Mode.LOCAL])
@pytest.mark.parametrize(("status", "state"), [(200, PROBING), (401, PROBING), (503, DOWN)])
async def test_an_api_that_is_down_is_asked_for_its_models(
    runtime: Runtime, clock: Clock, engine: Scripted, kind: Mode, status: int, state: EngineState
) -> None:
    await use(runtime, kind, str(engine.server.make_url("/v1/")), api_key="k")
    await runtime.broker.run(health.down("gpu0", Why.FAILURES))
    engine.models = status

    found = await clock.tick()

    assert found.state is state
    assert engine.asked == [("/v1/models", "Bearer k")]


async def test_an_engine_without_vllm_metrics_has_no_limit(
    clock: Clock, engine: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    engine.page = None
    await clock.occupy(64)

    found = await clock.tick(5)

    assert (found.limit, found.reading) == (None, None)
    assert not caplog.records


async def test_the_limit_starts_at_four_and_doubles_with_use(
    clock: Clock, engine: Scripted
) -> None:
    await clock.occupy(64)
    assert [(await clock.tick()).limit for _ in range(6)] == [4, 8, 16, 32, 64, 64]

    await clock.occupy(0)
    assert (await clock.tick(3)).limit == 64


async def test_use_is_what_we_have_in_flight_not_what_others_have(
    clock: Clock, engine: Scripted
) -> None:
    engine.page = {"running": 40}
    await clock.occupy(3)

    assert (await clock.tick(4)).limit == 4


@pytest.mark.parametrize(
    ("sign", "ticks"),
    [
        ({"preemptions": 1}, 1),
        ({"capacity": 3, "waiting": 3}, 2),
        ({"kv_usage": 0.93}, 1),
        ({"ttft": {1.0: 0, 5.0: 0, 7.5: 9}}, 1),
    ],
    ids=["preemptions", "waiting", "kv", "slow"],
)
async def test_congestion_cuts_the_limit(
    clock: Clock, engine: Scripted, sign: dict[str, Any], ticks: int
) -> None:
    await clock.occupy(16)
    await clock.tick(3)

    engine.page = sign
    found = await clock.tick(ticks)

    assert (found.limit, found.good) == (pytest.approx(12.8), pytest.approx(12.8))


async def test_waiting_for_another_reason_is_no_congestion(clock: Clock, engine: Scripted) -> None:
    engine.page = {"waiting": 9}
    await clock.occupy(16)

    assert (await clock.tick(4)).limit == 32


async def test_slow_first_tokens_cut_once(clock: Clock, engine: Scripted) -> None:
    await clock.occupy(16)
    await clock.tick(3)
    engine.page = {"ttft": {1.0: 0, 5.0: 0, 7.5: 9}}
    await clock.tick()
    await clock.occupy(12)

    assert (await clock.tick()).limit == pytest.approx(12.8)


async def test_a_503_cuts_the_limit_also_while_the_metrics_are_slow(
    clock: Clock, engine: Scripted
) -> None:
    await clock.occupy(16)
    await clock.tick(3)
    engine.page = None
    await clock.runtime.broker.run(health.failed("gpu0", EngineFailure.BUSY))

    assert (await clock.tick()).limit == pytest.approx(12.8)


async def test_a_limit_without_metrics_is_frozen(clock: Clock, engine: Scripted) -> None:
    await clock.occupy(16)
    await clock.tick(3)
    engine.page = None
    await clock.tick(step_s=6)
    await clock.runtime.broker.run(health.failed("gpu0", EngineFailure.BUSY))

    assert (await clock.tick(3)).limit == 16


async def test_an_engine_that_was_down_doubles_up_to_its_last_good_limit(
    clock: Clock, engine: Scripted
) -> None:
    await clock.occupy(16)
    await clock.tick(3)
    engine.page = {"kv_usage": 0.95}
    await clock.tick()
    engine.page = {}
    engine.health = 503
    await clock.tick()
    engine.health = 200
    await clock.tick()
    await clock.runtime.broker.run(health.worked("gpu0"))
    assert (await clock.health()).limit == 4

    await clock.occupy(12)
    limits = [(await clock.tick()).limit for _ in range(4)]

    assert limits == [8, pytest.approx(12.8), pytest.approx(12.8), pytest.approx(13.8)]


async def test_a_series_that_is_gone_is_told_once(
    clock: Clock, engine: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    await clock.tick()
    engine.page = None

    found = await clock.tick(3)

    assert found.reading is not None
    assert (found.reading.missing, found.reading.running) == (SERIES, None)
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "num_requests_running" in caplog.text


async def test_a_change_of_state_is_logged_whoever_made_it(
    clock: Clock, engine: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    engine.page = None
    for _ in range(3):
        await clock.runtime.broker.run(health.failed("gpu0", EngineFailure.CUT))
    engine.health = 503

    await clock.tick(2)

    assert [r.getMessage() for r in caplog.records] == ["engine gpu0 is down (failures)"]


async def test_an_engine_that_is_drained_is_still_watched(
    runtime: Runtime, clock: Clock, engine: Scripted
) -> None:
    await use(runtime, Mode.VLLM, str(engine.server.make_url("/v1")), draining=True)
    await engine.server.close()

    assert (await clock.tick()).state is DOWN


async def test_an_address_that_is_none_is_no_reason_to_stop(
    runtime: Runtime, clock: Clock, engine: Scripted
) -> None:
    await use(runtime, Mode.VLLM, "http://no-such-host.invalid:1/v1")

    assert (await clock.tick()).state is UP


async def test_one_monitor_works_at_a_time_and_the_next_takes_over(
    runtime: Runtime, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "TICK_S", 0.01)
    ticks: dict[str, int] = {"first": 0, "second": 0}

    class Counting(Monitor):
        name = ""

        async def tick(self, session: aiohttp.ClientSession, now_s: float) -> None:
            ticks[self.name] += 1

    def start(name: str) -> asyncio.Task[None]:
        one = Counting(runtime.broker, runtime.database)
        one.name = name
        return asyncio.create_task(every(0.01, one.lead, *AWAY))

    first = start("first")
    await until(lambda: ticks["first"] >= 1)
    second = start("second")
    await runtime.broker.client.pexpire(keys.MONITOR(), 4000)
    async with asyncio.timeout(60):
        while await runtime.broker.client.pttl(keys.MONITOR()) <= 4000:
            pass  # it is extended to 5 s
    seen = ticks["first"]
    await until(lambda: ticks["first"] >= seen + 20)
    assert ticks["second"] == 0

    await end(first)
    await until(lambda: ticks["second"] >= 1)
    await end(second)
    assert not await runtime.broker.client.exists(keys.MONITOR())


async def test_a_monitor_outlives_what_it_stands_on(
    runtime: Runtime, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "TICK_S", 0.01)
    monitor = Monitor(runtime.broker, runtime.database)
    one = asyncio.create_task(every(0.01, monitor.lead, *AWAY))
    await until(lambda: len(engine.asked) > 0)

    await runtime.broker.client.flushall()
    engine.asked.clear()

    await until(lambda: len(engine.asked) >= 3)
    await end(one)


@pytest_asyncio.fixture
async def vllm(runtime: Runtime, engine: Scripted) -> AsyncIterator[FakeVllm]:
    """The fake vLLM in the place of the scripted server."""
    with FakeVllm(step_s=0.01) as vllm:
        await use(runtime, Mode.VLLM, vllm.url)
        yield vllm


async def test_a_vllm_is_read_whole(clock: Clock, vllm: FakeVllm) -> None:
    reading = (await clock.tick()).reading

    assert reading is not None
    assert (reading.missing, reading.kv_tokens, reading.running) == ((), 3750 * 16, 0)

    vllm.fault(Fault(wrong=Wrong.HIDE, series="vllm:kv_cache_usage_perc"))
    reading = (await clock.tick()).reading

    assert reading is not None
    assert reading.missing == ("kv_cache_usage_perc",)


async def test_a_vllm_that_crashes_is_down_and_probed_when_it_is_back(
    clock: Clock, vllm: FakeVllm
) -> None:
    assert (await clock.tick()).state is UP

    vllm.fault(Fault(wrong=Wrong.CRASH))
    found = await clock.tick()
    assert (found.state, found.why) == (DOWN, Why.REFUSED)

    with vllm.again():
        assert (await clock.tick()).state is PROBING


async def test_a_vllm_that_freezes_is_down_until_it_moves(clock: Clock, vllm: FakeVllm) -> None:
    body = {"model": "fake", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{vllm.url}/chat/completions", json=body) as stream,
    ):
        await stream.content.readline()
        vllm.fault(Fault(wrong=Wrong.FREEZE, seconds=600))
        assert (await clock.tick()).state is UP

        # The step under way is still made.
        await reach(clock, DOWN, step_s=20)
        assert (await clock.tick(3)).why is Why.FROZEN

        vllm.fault(Fault(wrong=Wrong.HEAL))
        await stream.content.readline()
        await reach(clock, PROBING)


async def reach(clock: Clock, state: EngineState, step_s: float = 1.0) -> None:
    async with asyncio.timeout(60):
        while (await clock.tick(step_s=step_s)).state is not state:
            pass


@pytest.mark.parametrize("question", [roster.active, roster.wanted, roster.reachable])
def test_what_nodes_ask_all_the_time_takes_two_queries_for_any_number_of_engines(
    question: Callable[[], Sized], django_assert_num_queries: Any
) -> None:
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM)
    for number in range(3):
        Engine.objects.create(name=f"gpu{number}", kind=Mode.VLLM, slots=2, model_name="fake")

    with django_assert_num_queries(2):
        found = question()

    assert len(found) == 3


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
