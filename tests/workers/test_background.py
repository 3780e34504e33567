"""A task ends when it is told to, also one that loses a cancel."""

from __future__ import annotations

import asyncio

from workers import background


async def test_tasks_have_ended() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(1000)) for _ in range(3)]
    tasks[0].cancel()

    await background.cancel(tasks)  # type: ignore[arg-type]

    assert all(task.cancelled() for task in tasks)


async def test_a_lost_cancel_is_repeated() -> None:
    lost = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                lost.append(1)
                if len(lost) > 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await background.cancel([task])

    assert task.cancelled()


async def test_none_is_none() -> None:
    await background.cancel([])
