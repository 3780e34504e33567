"""Clients: scripts that vanish, pools that fill, and a Redis that is down."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from broker import connect, dispatch, fleet, streams
from broker.base import logs
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker, Broker
from broker.contract.events import EventKind
from broker.dispatch import Claim, Placement
from broker.embedded import Embedded, url
from broker.keys import RESCUE
from broker.scripts import MOST_KEYS, Call, nothing
from broker.streams import Append
from tests.broker.helpers import admit, scripts_run, serve, ticket

PIECE = (EventKind.PIECE, "{}")
MANY = [0, 1, MOST_KEYS, MOST_KEYS + 1, 2 * MOST_KEYS + 7]


def test_a_call_survives_the_loss_of_the_scripts(broker: Broker) -> None:
    serve(broker, gpu0=1)
    broker.client.script_flush()

    assert admit(broker, "h").grant


def test_many_calls_survive_the_loss_of_the_scripts(broker: Broker) -> None:
    broker.client.script_flush()
    calls = [streams.append(f"h{n}", 1, 1, [PIECE]) for n in range(3)]

    assert broker.run_many([*calls, dispatch.backlog_size()]) == [Append.OK] * 3 + [0]
    assert broker.run_many([]) == []


async def test_many_async_calls_survive_the_loss_of_the_scripts(async_broker: AsyncBroker) -> None:
    await async_broker.client.script_flush()
    calls = [streams.append(f"h{n}", 1, 1, [PIECE]) for n in range(3)]

    assert await async_broker.run_many([*calls, dispatch.backlog_size()]) == [Append.OK] * 3 + [0]
    await async_broker.client.script_flush()
    placement = await async_broker.run(dispatch.admit(ticket("h")))
    assert placement == Placement(None, 1, None, served=False)


async def test_many_async_calls_are_one_round_trip(
    async_broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await async_broker.run(dispatch.backlog_size())
    connection = async_broker._connection
    sent: list[object] = []
    send = connection.send_packed_command

    async def count(command: object, check_health: bool = True) -> None:
        sent.append(command)
        await send(command, check_health=check_health)

    monkeypatch.setattr(connection, "send_packed_command", count)
    await async_broker.run_many([streams.append(f"h{n}", 1, 1, [PIECE]) for n in range(50)])

    assert len(sent) == 1


def test_more_threads_than_connections_wait_for_one(
    valkey: Embedded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "MAX_CONNECTIONS", 2)
    small = Broker(valkey.url)
    with ThreadPoolExecutor(16) as threads:
        sizes = list(threads.map(lambda _: small.run(dispatch.backlog_size()), range(200)))
    small.close()

    assert sizes == [0] * 200


def test_threads_share_connections(broker: Broker) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: admit(broker, f"h{n}"), range(4)))
        opened = broker.client.info("stats")["total_connections_received"]
        list(threads.map(lambda n: admit(broker, f"h{n}"), range(4, 40)))

    assert broker.run(dispatch.backlog_size()) == 40
    assert broker.client.info("stats")["total_connections_received"] - opened < 10


async def test_more_tasks_than_connections_wait_for_one(
    async_broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async_broker.client.connection_pool.max_connections = 2

    sizes = await asyncio.gather(*(async_broker.run(dispatch.backlog_size()) for _ in range(100)))

    assert sizes == [0] * 100


def test_no_server_is_broker_down(data_dir: Path) -> None:
    broker = Broker(url(data_dir))

    with pytest.raises(BrokerDown):
        broker.run(dispatch.backlog_size())
    with pytest.raises(BrokerDown):
        broker.run_many([dispatch.backlog_size()])


async def test_no_server_is_broker_down_async(data_dir: Path) -> None:
    broker = AsyncBroker(url(data_dir))

    with pytest.raises(BrokerDown):
        await broker.run(dispatch.backlog_size())
    with pytest.raises(BrokerDown):
        await broker.run_many([dispatch.backlog_size()])


def test_a_server_that_hangs_up_is_broker_down_after_a_few_tries() -> None:
    tries = 0

    def hang_up() -> None:
        nonlocal tries
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            tries += 1
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, daemon=True).start()
        broker = Broker(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        with pytest.raises(BrokerDown):
            admit(broker, "h")
        broker.close()

    assert 0 < tries <= 6


def test_a_full_redis_is_broker_down_and_changes_nothing(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    broker.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BrokerDown):
            broker.run(dispatch.claim("h", "gpu0", "w"))
        with pytest.raises(BrokerDown):
            broker.run_many([dispatch.cancel("h", 0, "7")])
    finally:
        broker.client.config_set("maxmemory", 0)

    assert broker.run(fleet.snapshot())["gpu0"].in_flight == 1
    assert broker.run(dispatch.claim("h", "gpu0", "w")) == Claim(1, "cold", 0)


def test_clients_recover_when_the_server_comes_back(data_dir: Path) -> None:
    server = Embedded(data_dir)
    server.start()
    broker = Broker(server.url)
    serve(broker, gpu0=1)
    server.stop()
    with pytest.raises(BrokerDown):
        admit(broker, "h")

    server.start()

    assert admit(broker, "h").grant
    broker.close()
    server.stop()


async def test_a_connection_that_the_server_ended_costs_no_call(
    broker: Broker, async_broker: AsyncBroker
) -> None:
    admit(broker, "h")
    known, size = dispatch.known(["h"]), dispatch.backlog_size()
    await async_broker.run(size)
    for _ in range(3):
        broker.client.client_kill_filter(_type="normal", skipme=False)

        assert await async_broker.run(known) == broker.run(known) == {"h"}
        broker.client.client_kill_filter(_type="normal", skipme=False)
        assert await async_broker.run_many([known, size]) == [{"h"}, 1]
        assert broker.run_many([known, size]) == [{"h"}, 1]


async def test_a_reply_that_comes_too_late_answers_no_later_call(
    valkey: Embedded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(broker, "h")
    monkeypatch.setattr(connect, "SOCKET_TIMEOUT_S", 0.2)
    calm, quick = Broker(valkey.url), AsyncBroker(valkey.url)
    known, size = dispatch.known(["h"]), dispatch.backlog_size()
    assert await quick.run(size) == calm.run(size) == 1
    for calls in ([size], [size, size]):
        broker.client.client_pause(700)

        with pytest.raises(BrokerDown):
            await quick.run_many(calls)
        with pytest.raises(BrokerDown):
            calm.run_many(calls)

        assert broker.client.ping()
        assert await quick.run(known) == calm.run(known) == {"h"}
    calm.close()
    await quick.aclose()


async def test_nobody_waits_for_ever_for_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes connections and says nothing, not even while they are set up."""
    monkeypatch.setattr(connect, "SOCKET_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = AsyncBroker(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        with pytest.raises(BrokerDown, match="no reply in time"):
            await asyncio.wait_for(silent.run(dispatch.backlog_size()), 5)
        with pytest.raises(BrokerDown, match="no reply in time"):
            async with asyncio.timeout(5), silent.lock(RESCUE):
                pass
        await silent.aclose()


def test_the_default_is_the_embedded_valkey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("HINTLINE_DATA", "/srv/hl")
    assert connect.default_url() == "unix:///srv/hl/valkey/valkey.sock"

    monkeypatch.setenv("REDIS_URL", "redis://other:6379/2")
    assert connect.default_url() == "redis://other:6379/2"


async def test_a_cancelled_caller_ends_wherever_it_is(async_broker: AsyncBroker) -> None:
    """Also at the moment at which its command is sent: one of three would not, on Python 3.11."""
    call = dispatch.backlog_size()
    size = await async_broker.run(call)

    async def ask_for_ever() -> None:
        while True:
            await async_broker.run(call)

    for n in range(60):
        task = asyncio.create_task(ask_for_ever())
        for _ in range(n):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=30)
        assert done
        assert task.cancelled()

    assert await async_broker.run(call) == size


@pytest.mark.parametrize("many", MANY)
async def test_many_keys_are_asked_about_in_parts(
    broker: Broker, async_broker: AsyncBroker, many: int
) -> None:
    hints = [f"h{n}" for n in range(many)]
    for n, hint in enumerate(hints):
        admit(broker, hint, since_ms=n)
    before = scripts_run(broker)

    found = broker.run(dispatch.standing([*hints, "unknown"]))
    known = await async_broker.run(dispatch.known([*hints, "unknown"]))

    assert {hint: at.queue_position for hint, at in found.items()} == {
        hint: n + 1 for n, hint in enumerate(hints)
    }
    assert known == set(hints)
    assert scripts_run(broker) - before == 2 * (many // MOST_KEYS + 1)


@pytest.mark.parametrize("many", MANY)
async def test_a_part_keeps_the_arguments_of_a_key_together(
    broker: Broker, async_broker: AsyncBroker, many: int
) -> None:
    pairs = [(f"h{n}", n) for n in range(many)]
    for hint, attempt in pairs[::3]:
        broker.run(streams.close(hint, attempt, '{"state":"cancelled","reason":null}'))
    call = streams.closed(pairs)

    assert broker.run(call) == await async_broker.run(call) == {hint for hint, _ in pairs[::3]}


async def test_questions_about_many_keys_go_with_other_calls(
    broker: Broker, async_broker: AsyncBroker
) -> None:
    hints = [f"h{n}" for n in range(MOST_KEYS + 1)]
    for hint in hints:
        admit(broker, hint)
    calls = [
        dispatch.backlog_size(),
        dispatch.known(hints),
        dispatch.excluded(hints),
        dispatch.known([]),
        dispatch.backlog_size(),
    ]

    expected = [len(hints), set(hints), {}, set(), len(hints)]
    assert broker.run_many(calls) == await async_broker.run_many(calls) == expected


async def test_calls_of_many_callers_share_round_trips(
    async_broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    send = async_broker._send

    async def count(commands: list[connect.Command]) -> list[object]:
        trips.append(len(commands))
        return await send(commands)

    monkeypatch.setattr(async_broker, "_send", count)
    await async_broker.run(dispatch.backlog_size())
    appends = (async_broker.run(streams.append(f"h{n}", 1, 1, [PIECE])) for n in range(50))
    later = asyncio.create_task(async_broker.run(dispatch.backlog_size()))

    assert await asyncio.gather(*appends) == [Append.OK] * 50
    assert await later == 0
    assert trips == [1, 51]


async def test_a_callers_mistake_is_no_matter_of_those_it_shares_with(
    async_broker: AsyncBroker,
) -> None:
    """Whether redis-py refuses an argument, or cannot encode it, or a script breaks."""
    bad: list[Call[None]] = [
        Call("claim", (None, "gpu0", "w", 1), nothing),  # type: ignore[arg-type]
        Call("claim", ("\ud800", "gpu0", "w", 1), nothing),
        Call("append", ("h", "no number", 1, 1), nothing),
    ]
    good = [streams.append(f"h{n}", 1, 1, [PIECE]) for n in range(3)]

    outcomes = await asyncio.gather(
        *(async_broker.run(call) for pair in zip(bad, good, strict=True) for call in pair),
        return_exceptions=True,
    )

    assert outcomes[1::2] == [Append.OK] * 3
    kinds = [type(outcome) for outcome in outcomes[::2]]
    assert kinds == [redis.DataError, UnicodeEncodeError, redis.ResponseError]


async def test_who_is_cancelled_leaves_the_others_their_answers(async_broker: AsyncBroker) -> None:
    size = dispatch.backlog_size()
    asking = [asyncio.create_task(async_broker.run(size)) for _ in range(6)]
    for turns, task in enumerate(asking[::2]):
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()

    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert outcomes[1::2] == [0, 0, 0]
    assert await async_broker.run(size) == 0


async def test_nobodys_lines_are_about_the_hint_of_another(
    async_broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await async_broker.run(dispatch.backlog_size())
    seen: list[object] = []
    send = async_broker._send

    async def look(commands: list[connect.Command]) -> list[object]:
        seen.append(dict(logs.fields()))
        return await send(commands)

    monkeypatch.setattr(async_broker, "_send", look)
    logs.note(hint="h")
    await async_broker.run(dispatch.backlog_size())

    assert seen == [{}]
