"""Nothing waits in the sandbox: a wait would be spent in the host, where no deadline reaches it."""

from __future__ import annotations

import time
from asyncio.base_events import BaseEventLoop
from asyncio.selector_events import BaseSelectorEventLoop
from selectors import DefaultSelector, SelectorKey

slept_s = 0.0


def no_sleep(seconds: float) -> None:
    """In the place of time.sleep."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")


def no_select(self: DefaultSelector, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
    """asyncio's only wait: its clock is put forward instead. There are no sockets to be ready."""
    global slept_s
    slept_s += timeout or 0.0
    return []


def loop_time(self: BaseEventLoop) -> float:
    return time.monotonic() + slept_s


def nothing(self: BaseSelectorEventLoop) -> None:
    """An event loop wakes itself by a pair of sockets, and there are none."""


def replace_waits() -> None:
    time.sleep = no_sleep  # type: ignore[assignment]
    setattr(DefaultSelector, "select", no_select)  # noqa: B010  # a name for whichever there is
    BaseEventLoop.time = loop_time  # type: ignore[method-assign]
    for name in ("_make_self_pipe", "_close_self_pipe", "_write_to_self"):
        setattr(BaseSelectorEventLoop, name, nothing)
