"""How late the pool's loop is, and where it stands when it hangs."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from time import monotonic

log = logging.getLogger(__name__)
PERIOD_S = 1.0
LATE_S = 0.25
"""A loop that is later than this makes every stream of the worker stutter."""
SHOWN = 4
"""Frames of the place where it stands, the innermost first."""


class Watchdog:
    """Asks the loop for a sign of life, from a thread that a blocked loop cannot stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, loop_thread: threading.Thread) -> None:
        self.lag_s = 0.0
        """Of the last sign of life; grows while it is awaited."""
        self._loop, self._loop_thread = loop, loop_thread
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            # A sign of its own each time: a late answer must not count for the next question.
            asked, sign = monotonic(), threading.Event()
            try:
                self._loop.call_soon_threadsafe(sign.set)
            except RuntimeError:  # the loop is closed
                return
            if not sign.wait(LATE_S):
                log.warning("the loop is blocked at:\n%s", self._where())
            while not sign.wait(LATE_S) and not self._stopped.is_set():
                self.lag_s = monotonic() - asked
            self.lag_s = monotonic() - asked
            if self.lag_s > LATE_S:
                log.warning("the loop was late by %.2f s", self.lag_s)

    def _where(self) -> str:
        frame = sys._current_frames().get(self._loop_thread.ident or 0)
        if frame is None:  # for None walk_stack would walk our own
            return "unknown"
        stack = traceback.walk_stack(frame)
        # Without the lines themselves: Python would keep the whole files for them from then on.
        frames = traceback.StackSummary.extract(stack, limit=SHOWN, lookup_lines=False)
        return "\n".join(f"{each.filename}:{each.lineno} in {each.name}" for each in frames)
