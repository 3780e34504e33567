"""StreamTimer by itself: one alarm for many waits, and no cancellation mistaken for another."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from broker.contract.job import Endpoint
from web.engines.client import timer as timer_module
from web.engines.client.timer import StreamTimer

SHORT_S = 0.02


def timer(first_chunk_s: float = SHORT_S, idle_s: float = SHORT_S) -> StreamTimer:
    return StreamTimer(
        Endpoint(base_url="http://e/v1", model="m", first_chunk_s=first_chunk_s, idle_s=idle_s)
    )


def current() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_silence_is_a_timeout_and_the_task_goes_on() -> None:
    with pytest.raises(TimeoutError):
        await timer().on(asyncio.Event().wait())

    assert not current().cancelling()
    await asyncio.sleep(0)


async def test_a_chunk_moves_the_end_later() -> None:
    here = timer(idle_s=60)
    await here.on(asyncio.sleep(0))
    here.note_chunk()

    assert await here.on(asyncio.sleep(3 * SHORT_S, "chunk")) == "chunk"


async def test_a_chunk_moves_the_end_earlier() -> None:
    here = timer(first_chunk_s=60)
    await here.on(asyncio.sleep(0))
    here.note_chunk()

    with pytest.raises(TimeoutError):
        await here.on(asyncio.Event().wait())


async def test_the_rest_after_a_finish_reason_is_awaited_a_short_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timer_module, "TAIL_S", 3 * SHORT_S)
    here = timer(idle_s=60)
    await here.on(asyncio.sleep(0))
    here.note_end()

    assert await here.on(asyncio.sleep(SHORT_S, "usage")) == "usage"
    with pytest.raises(TimeoutError):
        await here.on(asyncio.Event().wait())


async def test_what_follows_done_makes_nobody_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer_module, "LINGER_S", 3 * SHORT_S)
    here = timer(first_chunk_s=60)

    async def comments() -> None:
        while True:
            here.note_done()
            await here.on(asyncio.sleep(SHORT_S))

    with pytest.raises(TimeoutError):
        await comments()


async def test_time_between_two_waits_is_not_counted() -> None:
    here = timer(idle_s=60)
    await here.on(asyncio.sleep(0))
    await asyncio.sleep(2 * SHORT_S)
    here.note_chunk()

    assert await here.on(asyncio.sleep(SHORT_S, "chunk")) == "chunk"


async def test_a_wait_begun_too_late_ends_at_once() -> None:
    here = timer()
    await asyncio.sleep(2 * SHORT_S)

    with pytest.raises(TimeoutError):
        await here.on(asyncio.Event().wait())


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def wait() -> None:
        await timer(first_chunk_s=60).on(asyncio.Event().wait())

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_comes_with_the_alarm_is_not_lost() -> None:
    waiting = asyncio.Event()

    async def wait() -> None:
        asyncio.get_running_loop().call_later(SHORT_S, current().cancel)
        here = timer(first_chunk_s=SHORT_S)
        waiting.set()
        await here.on(stubborn())

    async def stubborn() -> None:
        """Both cancellations are there before either is seen."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            current().cancel()
            raise

    task = asyncio.create_task(wait())
    await waiting.wait()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_outer_deadline_still_works_after_a_timeout() -> None:
    async def outlast_both() -> None:
        async with asyncio.timeout(4 * SHORT_S):
            with pytest.raises(TimeoutError):
                await timer().on(asyncio.Event().wait())
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await outlast_both()


async def test_an_error_that_hides_the_alarm_leaves_no_trace() -> None:
    async def translated() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError from None

    with pytest.raises(OSError):  # noqa: PT011  # nothing to match: the point is its type
        await timer().on(translated())

    assert not current().cancelling()


async def test_no_alarm_is_left_when_it_ends() -> None:
    here = timer()
    await here.on(asyncio.sleep(0))
    here.end()

    await asyncio.sleep(2 * SHORT_S)

    assert not current().cancelling()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_came_while_the_loop_stood_still_is_no_silence(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """The worker was busy, not the engine."""

    async def read() -> list[bytes]:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)

        def stand_still(word: bytes) -> None:
            theirs.send(word)
            time.sleep(3 * SHORT_S)

        here, heard = timer(), []
        try:
            for word in (b"first", b"other"):
                asyncio.get_running_loop().call_soon(stand_still, word)
                heard.append(await here.on(reader.readexactly(5)))
                here.note_chunk()
            with pytest.raises(TimeoutError):
                await here.on(reader.readexactly(5))
        finally:
            theirs.close()
            writer.close()
        return heard

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(read()) == [b"first", b"other"]
