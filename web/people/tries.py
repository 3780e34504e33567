"""Failed tries of each client address: a bucket that fills with them and leaks."""

from __future__ import annotations

import math
from collections import OrderedDict
from threading import Lock
from time import monotonic

MOST_ADDRESSES = 10_000


class Tries:
    """limit: tries that may fail at once. per_s: how many of them are forgotten in a second.

    It lives in one process, and knows the addresses of the last failures: what it protects is
    worth no row and no round trip.
    """

    def __init__(self, limit: int, per_s: float) -> None:
        self._limit, self._per_s = limit, per_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def failed(self, address: str) -> int:
        """Counts one; answers the seconds to wait, 0 while the address is under the limit."""
        now = monotonic()
        with self._lock:
            level, at = self._levels.pop(address, (0.0, now))
            level = max(0.0, level - (now - at) * self._per_s)
            # A try over the limit is not added: who goes on trying waits no longer for it.
            over = level + 1 > self._limit
            self._levels[address] = (level if over else level + 1, now)
            if len(self._levels) > MOST_ADDRESSES:
                self._levels.popitem(last=False)
        return math.ceil((level + 1 - self._limit) / self._per_s) if over else 0
