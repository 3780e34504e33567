"""The cases of an exercise as they are played under watch, one trace each."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from types import CodeType
from typing import Protocol

from . import console
from .listing import LOOPS, Listing
from .trace import Enough, Trace

Call = Callable[[], str]
"""How a case's call is shown; empty for a program that reads standard input."""
Run = Callable[[], object]
Judge = Callable[[object], tuple[bool, object]]
"""From what a case gave to whether that is right, and what was expected."""
SHARE_OF_CASE, SHARE_BEHIND = 0.25, 0.1
"""Of the events that are left, for each case: who passes leaves some for the one that fails; those
behind it only help to rank."""
MOST_CASES = 30
"""Cases that are watched where one of them fails."""


class Player(Protocol):
    """What a harness calls for the program's run and for each of its cases."""

    def load(self, run: Run) -> None:
        """run: runs the program itself, which makes its functions; asserts only."""

    def case(self, call: Call, run: Run, judge: Judge, *, hidden: bool = False) -> None:
        """call: asked before the case runs, if at all.

        run: makes the call, or runs the program, and gives what is judged.
        """


Play = Callable[[CodeType, Player], None]
"""Plays a compiled program anew with all its cases; an Enough of its player passes through."""


class Watched:
    """Traces every case, up to the first that never ends.

    ends: whether the program is known to end by itself; another one is stopped. brief: keep what
    ran, and few values. only: the number of the one case that is traced; none after it is played,
    and if alone none before it.
    failing: the first case that fails; the program's own run where that did not come to its end.
    """

    def __init__(
        self,
        listing: Listing,
        *,
        most_events: int,
        until_s: float,
        ends: bool,
        brief: bool = False,
        only: int | None = None,
        alone: bool = False,
    ) -> None:
        self.traces: list[Trace] = []
        self.failing: Trace | None = None
        self._looked_into = {
            number for node, number in listing.number.items() if isinstance(node, (*LOOPS, ast.If))
        }
        self._full, self._only, self._played = not brief, only, 0
        self._ends, self._alone = ends, alone
        self._left, self._until_s = most_events, until_s

    def watch(self, program: CodeType, play: Play) -> None:
        """Plays the program; what was seen of one that was stopped stands for it."""
        with suppress(Enough, Exception):
            play(program, self)
        # It may have left us fewer calls within calls than we need.
        console.fresh()

    def load(self, run: Run) -> None:
        loaded = self._trace("")
        loaded.run(run)
        self._left -= loaded.followed
        # A program that does not load has no functions that a case could call.
        if loaded.error is not None or loaded.stuck:
            self.failing = loaded
            raise Enough

    def case(self, call: Call, run: Run, judge: Judge, *, hidden: bool = False) -> None:
        self._played += 1
        if self._only is not None and self._played <= self._only:
            # It is played for what it may leave behind, as a list in a default argument.
            if not self._alone:
                with suppress(BaseException):
                    judge(run())
            return
        trace = self._trace(call(), hidden)
        trace.same = getattr(judge, "same", trace.same)
        trace.run(run)
        self._left -= trace.followed
        if self.failing and trace.stuck:
            # Nobody has judged a case behind the one that fails: it may have no end.
            raise Enough
        if trace.error is None and not trace.stuck:
            try:
                trace.passed, trace.expected = judge(trace.got)
            except BaseException as error:
                # The program's own `==` may raise whatever it likes.
                trace.error = error
        self.traces.append(trace)
        if not trace.passed and self.failing is None:
            self.failing = trace
            trace.lines_given, trace.lines_left = console.lines()
        if (
            trace.stuck
            or self._only is not None
            or (self.failing and len(self.traces) >= MOST_CASES)
        ):
            raise Enough

    @property
    def passing(self) -> list[Trace]:
        return [trace for trace in self.traces if trace.passed]

    def _trace(self, call: str, hidden: bool = False) -> Trace:
        # The one case that is wanted, or one that never ends, has no other behind it.
        whole = self._only is not None or not self._ends
        share = SHARE_BEHIND if self.failing else SHARE_OF_CASE
        return Trace(
            call,
            self._looked_into,
            most_events=self._left if whole else int(self._left * share),
            until_s=self._until_s,
            ends=self._ends and self.failing is None,
            full=self._full,
            hidden=hidden,
        )
