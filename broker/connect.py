"""The clients that run calls on Redis; the one place where its errors become BrokerDown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from itertools import chain, islice
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.connection import HiredisRespSerializer
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
PACKER = HiredisRespSerializer()
"""Packs in C, a command in 2 µs: redis-py itself does so in threads, but on a loop in 16 µs."""
# A lost connection is tried once more; silence is not, or a request would wait too long.
RETRIED = (redis.ConnectionError,)
# An ERR that names one of our scripts so is our mistake; any other ERR is the server's refusal.
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

    An error that only a mistake in a script or a call can cause goes through as it is.
    """
    try:
        yield
    except (redis.RedisError, OSError) as error:
        if passes(error):
            raise BrokerDown(str(error) or "no reply in time") from error
        raise


def passes(error: Exception) -> bool:
    """Whether the error passes by itself or an operator mends it; else our code is wrong."""
    return isinstance(error, redis.RedisError | OSError) and not is_bug(error)


def is_bug(error: Exception) -> bool:
    """Whether Redis, or its client, complains of a script or an argument."""
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


class Pool(redis.BlockingConnectionPool):
    """Hands out connections as they are.

    redis-py's own looks first whether each is alive, which takes as long as most calls. One that
    has died fails at its first use, as it may anyway, and its caller tries once more.
    """

    def get_connection(self, *_: Any, **__: Any) -> Any:
        try:
            return self.pool.get(timeout=self.timeout) or self.make_connection()  # type: ignore[no-untyped-call]
        except Empty:
            raise redis.ConnectionError("no connection was free in time") from None

    def release(self, connection: Any) -> None:
        self.pool.put_nowait(connection)


def untimed(url: str) -> dict[str, Any]:
    """Options of a connection on an event loop, whose user ends the wait for a reply."""
    # With a time-out of its own, redis-py sends by asyncio.wait_for: that takes a task for each
    # command, and before Python 3.12 it drops a cancellation that comes as the sending is done
    # (https://github.com/python/cpython/issues/86296).
    return options(url) | {"socket_timeout": None}


Command = tuple[str | int, ...]
Renew = Callable[[], Awaitable[None]]
Waiter = tuple[Sequence[Call[Any]], asyncio.Future[list[Any]]]


def exchange(calls: Sequence[Call[Any]]) -> Generator[list[Command], list[Any], list[Any]]:
    """The round trips that these calls take: gives commands, and is sent their replies.

    Its value: a reply for each part of each call, which may be an error. Raises: what hinders
    loading a script.
    """
    commands = [command for call in calls for command in evalshas(call)]
    replies = yield commands
    missing = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if missing:
        raise_first((yield [("SCRIPT LOAD", script.source) for script in scripts().values()]))
        again = yield [commands[i] for i in missing]
        for i, reply in zip(missing, again, strict=True):
            replies[i] = reply
    return replies


def evalshas(call: Call[Any]) -> list[Command]:
    """A command for each part of the call."""
    return [("EVALSHA", scripts()[call.script].sha, 0, *part) for part in call.parts()]


def results(calls: Sequence[Call[Any]], replies: Sequence[Any]) -> list[Any]:
    """Raises: the first reply that is an error."""
    raise_first(replies)
    left, found = iter(replies), []
    for call in calls:
        of_call = list(islice(left, len(call.parts())))
        found.append(call.parse(list(chain(*of_call)) if call.width else of_call[0]))
    return found


def raise_first(replies: Iterable[Any]) -> None:
    """Raises: the first reply that is an error, as the server worded it."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply


class Broker:
    """Runs calls from threads; at most MAX_CONNECTIONS, one more caller waits for one."""

    def __init__(self, url: str | None = None) -> None:
        """url: redis://, rediss:// or unix://; None: default_url()."""
        url = url or default_url()
        self._pool = Pool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_WAIT_S,
            retry=Retry(ConstantBackoff(RETRY_PAUSE_S), 1, RETRIED),
            **options(url),
        )
        self.client = redis.Redis.from_pool(self._pool)

    def run(self, call: Call[T]) -> T:
        """Raises: BrokerDown."""
        result: T = self.run_many([call])[0]
        return result

    def run_many(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Results of calls that do not depend on each other's order, in one round trip.

        Raises: BrokerDown.
        """
        trips = exchange(calls)
        with translated():
            commands = next(trips)
            while True:
                try:
                    commands = trips.send(self._send(commands))
                except StopIteration as end:
                    return results(calls, end.value)

    def close(self) -> None:
        self.client.close()
        self._pool.disconnect()

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._pool.get_connection()
        try:
            packed = connection.pack_commands(commands)
            found: list[Any] = connection.retry.call_with_retry(
                lambda: replies(connection, len(commands), packed), connection.disconnect
            )
            return found
        finally:
            self._pool.release(connection)


def replies(connection: Any, count: int, packed: Sequence[bytes]) -> list[Any]:
    """A reply to each of the packed commands, which may be an error."""

    def reply() -> Any:
        try:
            return connection.read_response()
        except redis.ResponseError as error:
            return error

    connection.send_packed_command(packed)
    return [reply() for _ in range(count)]


class AsyncBroker:
    """Runs calls on one event loop; what is asked while a round trip is on its way shares the next.

    So a busy worker writes to its socket once for many hints, and an idle one waits for nobody.
    """

    def __init__(self, url: str | None = None) -> None:
        """url: redis://, rediss:// or unix://; None: default_url()."""
        url = url or default_url()
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_WAIT_S,
            retry=AsyncRetry(ConstantBackoff(RETRY_PAUSE_S), 1, RETRIED),
            **untimed(url),
        )
        self.client = redis.asyncio.Redis.from_pool(pool)
        self._connection: Any = pool.make_connection()  # type: ignore[no-untyped-call]
        """All calls go over it: there is never more than one round trip on its way."""
        self._asked: list[Waiter] = []
        self._answering: asyncio.Task[None] | None = None

    async def run(self, call: Call[T]) -> T:
        """Raises: BrokerDown."""
        result: T = (await self.run_many([call]))[0]
        return result

    async def run_many(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Results of calls that do not depend on each other's order, in one round trip.

        Cancelled, it leaves open whether the calls were run. Raises: BrokerDown.
        """
        replies: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._asked.append((calls, replies))
        if self._answering is None:
            # An empty context: what is logged there is not about the hint of whoever came first.
            self._answering = asyncio.create_task(self._answer_all(), context=Context())
        with translated():
            return results(calls, await replies)

    @asynccontextmanager
    async def lock(self, key: Key) -> AsyncIterator[Renew | None]:
        """Takes the lock of this key; yields None if somebody else has it.

        Else a function that makes it last for its ttl_s again. Raises: BrokerDown, as does that
        function, also when the lock was lost.
        """
        lock = self.client.lock(key(), timeout=key.ttl_s, blocking=False)

        async def renew() -> None:
            with translated():
                async with asyncio.timeout(SOCKET_TIMEOUT_S):
                    await lock.reacquire()

        with translated():
            async with asyncio.timeout(SOCKET_TIMEOUT_S):
                ours = await lock.acquire()
        try:
            yield renew if ours else None
        finally:
            if ours:
                # A lock that cannot be released ends with its time to live.
                with suppress(redis.RedisError, OSError):
                    async with asyncio.timeout(SOCKET_TIMEOUT_S):
                        await lock.release()

    async def aclose(self) -> None:
        if self._answering:
            await asyncio.wait([self._answering])
        await self._connection.disconnect()
        await self.client.aclose(close_connection_pool=True)

    async def _answer_all(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            await self._answer(asked)
        self._answering = None

    async def _answer(self, asked: Sequence[Waiter]) -> None:
        try:
            replies = iter(await self._exchange([call for calls, _ in asked for call in calls]))
        except Exception as error:
            if len(asked) > 1 and not passes(error):
                # One of the callers made a mistake: each is asked for alone, to spare the others.
                for one in asked:
                    await self._answer([one])
                return
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for calls, answer in asked:
            own = list(islice(replies, sum(len(call.parts()) for call in calls)))
            if not answer.done():  # its caller may be cancelled
                answer.set_result(own)

    async def _exchange(self, calls: Sequence[Call[Any]]) -> list[Any]:
        trips = exchange(calls)
        commands = next(trips)
        while True:
            try:
                commands = trips.send(await self._send(commands))
            except StopIteration as end:
                replies: list[Any] = end.value
                return replies

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        packed = [
            part
            for command in commands
            for part in PACKER.pack(*command)  # type: ignore[arg-type]  # typed as lists
        ]
        found: list[Any] = await self._connection.retry.call_with_retry(
            lambda: self._replies(len(commands), packed), self._connection.disconnect
        )
        return found

    async def _replies(self, count: int, packed: Sequence[bytes]) -> list[Any]:
        """A reply to each of the packed commands, which may be an error."""

        async def reply() -> Any:
            try:
                return await self._connection.read_response()
            except redis.ResponseError as error:
                return error

        async with asyncio.timeout(SOCKET_TIMEOUT_S):
            await self._connection.send_packed_command(packed)
            return [await reply() for _ in range(count)]


def listener(url: str | None = None) -> redis.asyncio.Redis:
    """Client for pub/sub, which may be silent for ever: redis-py's default raises after 5 s.

    The health check pings an idle subscription, so that a dead link is still noticed.
    """
    url = url or default_url()
    return redis.asyncio.Redis.from_url(url, **untimed(url) | {"decode_responses": False})
