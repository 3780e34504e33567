"""Whatever Redis refuses is BrokerDown, and what is our own mistake is not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import redis
from redis._parsers.base import BaseParser

from broker import dispatch, keys
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker, Broker, translated
from broker.embedded import Embedded
from broker.scripts import Call, nothing
from tests.broker.helpers import admit, claimed, serve, ticket
from tests.broker.refusing import busy, configured, full_disk, replica, without

Refusing = Callable[[redis.Redis, Path], AbstractContextManager[None]]


REFUSING: dict[str, Refusing] = {
    "MISCONF": full_disk,
    "OOM": lambda client, _: configured(client, maxmemory="1"),
    "NOREPLICAS": lambda client, _: configured(client, min_replicas_to_write="1"),
    "READONLY": lambda client, _: replica(client, "yes"),
    "MASTERDOWN": lambda client, _: replica(client, "no"),
    "NOPERM for our script": lambda client, _: without(client, "evalsha"),
    "NOPERM in our script": lambda client, _: without(client, "hset"),
    "BUSY": lambda client, _: busy(client),
}


@pytest.mark.parametrize("name", REFUSING)
async def test_what_redis_refuses_is_broker_down_and_passes(
    name: str, broker: Broker, async_broker: AsyncBroker, valkey: Embedded
) -> None:
    serve(broker, gpu0=1)
    admin = redis.Redis.from_url(valkey.url, decode_responses=True)
    call = dispatch.admit(ticket("h"))

    with REFUSING[name](admin, valkey.folder):
        with pytest.raises(BrokerDown):
            broker.run(call)
        with pytest.raises(BrokerDown):
            broker.run_many([call, call])
        with pytest.raises(BrokerDown):
            await async_broker.run(call)
        with pytest.raises(BrokerDown):
            await async_broker.run_many([call, call])
        if "NOPERM" not in name:  # of commands that a lock does not use
            with pytest.raises(BrokerDown):
                async with async_broker.lock(keys.RESCUE):
                    pass

    assert admit(broker, "h").grant
    assert (await async_broker.run(call)).grant
    admin.close()


def test_a_ping_that_is_refused_is_broker_down(
    broker: Broker, valkey: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.connect.REDIS_CHECK_S", 0.001)
    checking = Broker(valkey.url)
    checking.run(dispatch.epoch())
    admin = redis.Redis.from_url(valkey.url, decode_responses=True)

    with full_disk(admin, valkey.folder), pytest.raises(BrokerDown, match="MISCONF"):
        checking.run(dispatch.epoch())

    assert checking.run(dispatch.epoch())
    checking.close()
    admin.close()


@pytest.mark.parametrize("query", ["db=99", "username=nobody&password=x"])
async def test_a_link_that_is_refused_is_broker_down(query: str, valkey: Embedded) -> None:
    broker, waiting = Broker(f"{valkey.url}?{query}"), AsyncBroker(f"{valkey.url}?{query}")

    with pytest.raises(BrokerDown):
        broker.run(dispatch.epoch())
    with pytest.raises(BrokerDown):
        await waiting.run(dispatch.epoch())

    broker.close()
    await waiting.aclose()


def test_too_many_clients_are_broker_down(broker: Broker, valkey: Embedded) -> None:
    admin = redis.Redis.from_url(valkey.url, decode_responses=True)
    late = Broker(valkey.url)

    with configured(admin, maxclients="1"), pytest.raises(BrokerDown):
        late.run(dispatch.epoch())

    assert late.run(dispatch.epoch())
    late.close()
    admin.close()


@pytest.mark.parametrize(
    "reply",
    [
        "LOADING Valkey is loading the dataset in memory",
        "CLUSTERDOWN Hash slot not served",
        "MOVED 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CROSSSLOT Keys in request don't hash to the same slot",
        "UNKILLABLE Sorry the script already executed write commands against the dataset.",
        "NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "DENIED Redis is running in protected mode because no password is set.",
        "ERR DB index is out of range",
        "ERR invalid DB index",
        "ERR max number of clients reached",
        "ERR unknown command 'EVALSHA', with args beginning with: ",
        "ERR Script attempted to access a non local key in a cluster node script: a1,"
        " on @user_script:3.",
        "ERR Error running script (call to f_a1): @user_script:3: @user_script: 3: -MISCONF Redis"
        " is configured to save RDB snapshots",
        "ERR OOM command not allowed when used memory > 'maxmemory'. script: a1,"
        " on @user_script:3.",
        "MISCONF Errors writing to the AOF file: No space left on device script: a1,"
        " on @user_script:3.",
    ],
)
def test_every_wording_of_a_refusal_is_broker_down(reply: str) -> None:
    with pytest.raises(BrokerDown), translated():
        raise BaseParser.parse_error(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "WRONGTYPE Operation against a key holding the wrong kind of value script: a1,"
        " on @user_script:3.",
        "ERR user_script:7: Script attempted to access nonexistent global variable 'x' script: a1,"
        " on @user_script:7.",
        "ERR value is not an integer or out of range script: a1, on @user_script:3.",
        "ERR Error compiling script (new function): user_script:1: '=' expected near 'is'",
    ],
)
def test_a_mistake_in_a_script_is_loud(reply: str) -> None:
    with pytest.raises(redis.ResponseError), translated():
        raise BaseParser.parse_error(reply)


async def test_our_own_mistakes_are_loud(broker: Broker, async_broker: AsyncBroker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "h")
    broker.client.set(keys.TICKET("wrong type"), 1)
    wrong: Call[None] = Call("claim", ("wrong type", "gpu0", "w", 1), nothing)
    lua: Call[None] = Call("append", ("h", "no number", 1, 1), nothing)
    argument: Call[None] = Call("claim", (None, "gpu0", "w", 1), nothing)  # type: ignore[arg-type]

    for call, kind in ((wrong, redis.ResponseError), (lua, redis.ResponseError)):
        with pytest.raises(kind):
            broker.run(call)
        with pytest.raises(kind):
            await async_broker.run_many([call])
    with pytest.raises(redis.DataError):
        broker.run(argument)
