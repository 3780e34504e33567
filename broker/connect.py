"""The clients that run calls on Redis; the one place where its errors become BrokerDown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from broker import embedded
from broker.base.errors import BrokerDown
from broker.base.settings import need, read
from broker.base.times import REDIS_CHECK_S, REDIS_CONNECT_S
from broker.keys import Key
from broker.scripts import Call, scripts

T = TypeVar("T")
SOCKET_TIMEOUT_S = 3
POOL_WAIT_S = 5
MAX_CONNECTIONS = 32
RETRY_PAUSE_S = 0.05
# A lost connection is tried once more; silence is not, or a request would wait too long.
RETRIED = (redis.ConnectionError,)
# How a reply names one of our scripts; what else is an ERR is the server's refusal.
IN_SCRIPT = re.compile(r"user_script|Error compiling script")
# Older servers put the refusal of a command into the error of the script that gave it.
CARRIED = re.compile(
    r"\b(MISCONF|OOM|READONLY|NOREPLICAS|NOPERM|BUSY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b"
    r"|non local key|ACL failure|can't run this command"
)


def default_url() -> str:
    """REDIS_URL, or the embedded Valkey of HINTLINE_DATA."""
    return read("REDIS_URL", str) or embedded.url(Path(need("HINTLINE_DATA", str)))


@contextmanager
def translated() -> Iterator[None]:
    """Raises: BrokerDown when Redis cannot be reached or refuses, for whatever reason.

    What only a mistake in a script or a call brings about goes through as it is.
    """
    try:
        yield
    except (redis.RedisError, OSError) as error:
        if is_bug(error):
            raise
        raise BrokerDown(str(error)) from error


def is_bug(error: Exception) -> bool:
    """Whether a script or an argument is wrong; everything else passes, or an operator mends it."""
    if type(error) is not redis.ResponseError:
        # redis-py has a class of its own for most refusals, but for no mistake of a script.
        return isinstance(error, redis.DataError)
    text = str(error)
    if text.startswith("WRONGTYPE"):
        return True
    in_script = error.status_code == "ERR" and IN_SCRIPT.search(text)
    return bool(in_script and not CARRIED.search(text))


def options(url: str) -> dict[str, Any]:
    """Options of every connection; redis-py's own defaults wait longer and retry ten times."""
    keepalive = {} if url.startswith("unix:") else {"socket_keepalive": True}
    return {
        "socket_connect_timeout": REDIS_CONNECT_S,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "health_check_interval": REDIS_CHECK_S,
        "decode_responses": True,
        "client_name": "hintline",
        **keepalive,
    }


class Cancellable(AbstractConnection):
    """A connection that ends with the task that uses it.

    redis-py sends with asyncio.wait_for, which before Python 3.12 drops a cancellation that
    arrives as the sending is done (https://github.com/python/cpython/issues/86296).
    """

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > cancelled:
            # What it was sent for will not be read, and must not answer the next command.
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


def make_cancellable(pool: redis.asyncio.ConnectionPool) -> None:
    """Of the connections that the pool will make."""
    kind = pool.connection_class
    pool.connection_class = type(f"Cancellable{kind.__name__}", (Cancellable, kind), {})


def sha(call: Call[Any]) -> str:
    return scripts()[call.script].sha


class Broker:
    """Runs calls from threads; at most MAX_CONNECTIONS, one more caller waits for one."""

    def __init__(self, url: str | None = None) -> None:
        """url: redis://, rediss:// or unix://; None: default_url()."""
        url = url or default_url()
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_WAIT_S,
            retry=Retry(ConstantBackoff(RETRY_PAUSE_S), 1, RETRIED),
            **options(url),
        )
        self.client = redis.Redis.from_pool(pool)

    def run(self, call: Call[T]) -> T:
        """Raises: BrokerDown."""
        with translated():
            try:
                reply = self.client.evalsha(sha(call), 0, *call.args)
            except NoScriptError:
                self._load()
                reply = self.client.evalsha(sha(call), 0, *call.args)
        return call.parse(reply)

    def run_many(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Results of calls that do not depend on each other's order, in one round trip.

        Raises: BrokerDown.
        """
        with translated():
            replies = self._send(calls)
            missing = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missing:
                self._load()
                again = self._send([calls[i] for i in missing])
                for i, reply in zip(missing, again, strict=True):
                    replies[i] = reply
            return results(calls, replies)

    def close(self) -> None:
        self.client.close()
        self.client.connection_pool.disconnect()

    def _send(self, calls: Iterable[Call[Any]]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.evalsha(sha(call), 0, *call.args)
            return pipe.execute(raise_on_error=False)

    def _load(self) -> None:
        with self.client.pipeline(transaction=False) as pipe:
            for script in scripts().values():
                pipe.script_load(script.source)
            raise_first(pipe.execute(raise_on_error=False))


class AsyncBroker:
    """Runs calls on one event loop; at most MAX_CONNECTIONS, one more caller waits for one."""

    def __init__(self, url: str | None = None) -> None:
        """url: redis://, rediss:// or unix://; None: default_url()."""
        url = url or default_url()
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_WAIT_S,
            retry=AsyncRetry(ConstantBackoff(RETRY_PAUSE_S), 1, RETRIED),
            **options(url),
        )
        make_cancellable(pool)
        self.client = redis.asyncio.Redis.from_pool(pool)

    async def run(self, call: Call[T]) -> T:
        """Raises: BrokerDown."""
        with translated():
            try:
                reply = await self.client.evalsha(sha(call), 0, *call.args)
            except NoScriptError:
                await self._load()
                reply = await self.client.evalsha(sha(call), 0, *call.args)
        return call.parse(reply)

    async def run_many(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Results of calls that do not depend on each other's order, in one round trip.

        Raises: BrokerDown.
        """
        with translated():
            replies = await self._send(calls)
            missing = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missing:
                await self._load()
                again = await self._send([calls[i] for i in missing])
                for i, reply in zip(missing, again, strict=True):
                    replies[i] = reply
            return results(calls, replies)

    @asynccontextmanager
    async def lock(self, key: Key) -> AsyncIterator[Lock | None]:
        """The lock of this key, for its ttl_s; None if somebody else has it. Raises: BrokerDown."""
        lock = self.client.lock(key(), timeout=key.ttl_s, blocking=False)
        with translated():
            ours = await lock.acquire()
        try:
            yield lock if ours else None
        finally:
            if ours:
                # Whatever is wrong now, its time runs out.
                with suppress(redis.RedisError, OSError):
                    await lock.release()

    async def aclose(self) -> None:
        await self.client.aclose(close_connection_pool=True)

    async def _send(self, calls: Iterable[Call[Any]]) -> list[Any]:
        async with self.client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.evalsha(sha(call), 0, *call.args)
            return await pipe.execute(raise_on_error=False)

    async def _load(self) -> None:
        async with self.client.pipeline(transaction=False) as pipe:
            for script in scripts().values():
                pipe.script_load(script.source)
            raise_first(await pipe.execute(raise_on_error=False))


def results(calls: Sequence[Call[Any]], replies: Sequence[Any]) -> list[Any]:
    """Raises: the first reply that is an error."""
    raise_first(replies)
    return [call.parse(reply) for call, reply in zip(calls, replies, strict=True)]


def raise_first(replies: Iterable[Any]) -> None:
    """Raises: the first reply that is an error, as the server worded it."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply


def listener(url: str | None = None, *, decode: bool = False) -> redis.asyncio.Redis:
    """Client for pub/sub, which may be silent for ever: redis-py's default raises after 5 s.

    The health check pings an idle subscription, so that a dead link is still noticed.
    """
    url = url or default_url()
    client = redis.asyncio.Redis.from_url(
        url, **options(url) | {"socket_timeout": None, "decode_responses": decode}
    )
    make_cancellable(client.connection_pool)
    return client
