"""How soon an open page may ask again: a hundred of them cost the site no more than a dozen."""

from __future__ import annotations

from collections import deque
from threading import Lock

PERIOD_S, LONGEST_S = 2.0, 10.0
MOST_A_S = 6
"""Answers a second in one process, about, before pages have to wait longer than PERIOD_S."""


class Pace:
    """Counts who asks; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        # More than so many would wait LONGEST_S anyway.
        self._asked_s = deque[float](maxlen=round(MOST_A_S * LONGEST_S))
        self._period_s = PERIOD_S

    def after(self, now_s: float) -> float:
        """Seconds until who asks now, by a monotonic clock, should ask again."""
        with self._lock:
            self._asked_s.append(now_s)
            # Each page that is open has asked once in the last period.
            while self._asked_s[0] <= now_s - self._period_s:
                self._asked_s.popleft()
            self._period_s = min(max(PERIOD_S, len(self._asked_s) / MOST_A_S), LONGEST_S)
            return self._period_s
