"""A background loop that dies of a bug is not missed by nobody."""

from __future__ import annotations

import asyncio

import pytest

from workers.background import begin, every


async def runs_on() -> None:
    await asyncio.Event().wait()


async def breaks() -> None:
    raise LookupError("a bug")


async def ends() -> None:
    return


async def test_a_loop_that_breaks_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    died = asyncio.Event()

    tasks = begin([runs_on(), breaks()], died.set)
    await asyncio.wait_for(died.wait(), 30)

    assert "a background loop died" in caplog.text
    assert "LookupError: a bug" in caplog.text
    assert not tasks[0].done()
    tasks[0].cancel()


async def test_a_loop_that_ends_or_is_cancelled_is_no_death() -> None:
    died = asyncio.Event()

    tasks = begin([runs_on(), ends()], died.set)
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)

    assert not died.is_set()


async def test_a_step_is_taken_again_after_an_error_that_passes_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [
        ConnectionError("the server is gone"),
        TimeoutError("it is slow"),
        LookupError("a bug"),
    ]

    async def look() -> None:
        raise errors.pop(0)

    with pytest.raises(LookupError, match="a bug"):
        await asyncio.wait_for(every(0, look, ConnectionError, TimeoutError), 30)

    assert "look waits: the server is gone" in caplog.text
    assert "look waits: it is slow" in caplog.text
