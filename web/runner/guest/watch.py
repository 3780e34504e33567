"""The cases of an exercise as they are played under watch, one trace each."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import CodeType
from typing import Protocol

from .listing import LOOPS, Listing
from .trace import Enough, Trace

Run = Callable[[], object]
Judge = Callable[[object], tuple[bool, object]]
"""From what a case gave to whether that is right, and what was expected."""
SHARE_OF_PASSING = 0.5
"""Of the time, for cases before the first that fails."""
MOST_CASES = 30
"""Cases that are watched where one of them fails."""


class Player(Protocol):
    """What a harness calls for the program's run and for each of its cases."""

    def load(self, run: Run) -> None:
        """run: runs the program itself, which makes its functions; asserts only."""

    def case(self, call: str, run: Run, judge: Judge, *, hidden: bool = False) -> None:
        """call: as it is shown, empty for a program that reads standard input.

        run: makes the call, or runs the program, and gives what is judged.
        """


Play = Callable[[CodeType, Player], None]
"""Plays a compiled program anew with all its cases; an Enough of its player passes through."""


class Watched:
    """Traces every case, up to the first that never ends.

    ends: whether the program is known to end by itself; another one is stopped.
    """

    def __init__(self, listing: Listing, *, budget_s: float, ends: bool) -> None:
        self.loaded: Trace | None = None
        self.traces: list[Trace] = []
        self._loops = {number for node, number in listing.number.items() if isinstance(node, LOOPS)}
        self._ends = ends
        self._began_s, self._budget_s = perf_counter(), budget_s

    def load(self, run: Run) -> None:
        self.loaded = self._trace("")
        self.loaded.run(run)
        # A program that does not load has no functions that a case could call.
        if self.failing:
            raise Enough

    def case(self, call: str, run: Run, judge: Judge, *, hidden: bool = False) -> None:
        trace = self._trace(call, hidden)
        trace.run(run)
        if trace.error is None and not trace.stuck:
            try:
                trace.passed, trace.expected = judge(trace.got)
            except BaseException as error:
                # The program's own `==` may raise whatever it likes.
                trace.error = error
        self.traces.append(trace)
        if trace.stuck or (self.failing and len(self.traces) >= MOST_CASES):
            raise Enough

    @property
    def failing(self) -> Trace | None:
        """The first case that fails; the program's own run where that did not come to its end."""
        # What stops the program while it loads fails it before any case.
        if self.loaded and (self.loaded.error or self.loaded.stuck):
            return self.loaded
        return next((trace for trace in self.traces if not trace.passed), None)

    @property
    def passing(self) -> list[Trace]:
        return [trace for trace in self.traces if trace.passed]

    def _trace(self, call: str, hidden: bool = False) -> Trace:
        # A slow case that passes must leave time for the one that fails.
        share = SHARE_OF_PASSING if self.failing is None else 1.0
        until_s = self._began_s + self._budget_s * share
        return Trace(call, self._loops, until_s=until_s, ends=self._ends, hidden=hidden)
