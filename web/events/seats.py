"""How many streams are open, in this process and for each user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from web.api import problem
from web.api.problem import Problem

PER_USER = 8


class Seats:
    """total: streams that the process may hold."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._taken: Counter[int] = Counter()

    def check(self) -> None:
        """Raises: Problem when the process holds no more."""
        if self._free <= 0:
            raise Problem(problem.TOO_MANY_STREAMS)

    @contextmanager
    def hold(self, user: int) -> Iterator[None]:
        """A seat while a stream is open. Raises: Problem when none is left here or for the user."""
        self.check()
        if self._taken[user] >= PER_USER:
            raise Problem(problem.TOO_MANY_STREAMS)
        self._free -= 1
        self._taken[user] += 1
        try:
            yield
        finally:
            self._free += 1
            self._taken[user] -= 1
            # Otherwise an entry would stay for everybody who ever opened a stream.
            if not self._taken[user]:
                del self._taken[user]
