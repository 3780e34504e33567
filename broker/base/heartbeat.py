"""Signs of life of a child process, over a pipe to its parent: they need no Redis and no disk."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from broker.base.times import CHILD_START_S, HANG_S, PULSE_S

VARIABLE = "BEAT_FD"
"""Tells the child its end of the pipe."""


class Pulse:
    """The parent's side: `fd` and `environ` are for the child, which is started once."""

    def __init__(self) -> None:
        self._ours, self.fd = os.pipe()
        weakref.finalize(self, os.close, self._ours)
        os.set_blocking(self._ours, False)
        os.set_blocking(self.fd, False)
        self.environ = {VARIABLE: str(self.fd)}
        self.hung = self._heard = False
        self._silent_s = 0.0
        self._looked_s = monotonic()

    def started(self) -> None:
        """The child has its own copy of `fd` now, or there is no child."""
        os.close(self.fd)

    def look(self) -> bool:
        """Whether the child hangs; to be asked every PULSE_S, and no more once it does."""
        now_s = monotonic()
        # A parent that was stopped or frozen together with its child has not listened meanwhile.
        self._silent_s += min(now_s - self._looked_s, 2 * PULSE_S)
        self._looked_s = now_s
        with suppress(BlockingIOError):
            if os.read(self._ours, 1 << 16):
                self._heard, self._silent_s = True, 0.0
        self.hung = self._silent_s >= self.allowed_s()
        return self.hung

    def allowed_s(self) -> float:
        """Longest silence, which is longer before the first sign."""
        return HANG_S if self._heard else CHILD_START_S


def beater() -> Callable[[], None]:
    """What a child calls at least every PULSE_S; without a parent that listens it does nothing.

    The variable is taken out of the environment: a grandchild has another parent.
    """
    given = os.environ.pop(VARIABLE, "")
    if not given:
        return lambda: None
    fd = int(given)
    os.set_inheritable(fd, False)

    def beat() -> None:
        # A full pipe holds beats enough that the parent has not read yet. A broken pipe means that
        # the parent died, and SIGTERM is on its way to us.
        with suppress(OSError):
            os.write(fd, b".")

    return beat


def beat_from(loop: asyncio.AbstractEventLoop) -> None:
    """The loop itself beats, as long as it turns."""
    beat = beater()

    def again() -> None:
        beat()
        loop.call_later(PULSE_S, again)

    again()
