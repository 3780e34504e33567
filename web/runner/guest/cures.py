"""Statements in which a small change lets the failing case pass: there, not elsewhere, to look.

Nothing of a change is ever told. It only ranks what the program itself did.
Source: predicate switching, Zhang, Gupta, Gupta 2006; mutants, Papadakis, Le Traon 2015.
"""

from __future__ import annotations

import ast
from time import perf_counter
from types import CodeType

from . import console
from .listing import LOOPS, Listing
from .trace import Enough
from .variants import Variants, switches
from .watch import Call, Judge, Play, Run

FEWEST_TICKS, MOST_TICKS = 200, 5_000
MOST_CHANGES, MOST_SUSPECTS = 64, 8
"""Bounds by count, so that a busy machine finds what an idle one does; about 0.2 ms a change."""
MOST_CURED = 3
"""Statements that cure the case are enough to name."""
ALL_TICKS = 20_000
"""Rounds and calls that all changed programs may take together."""
WHOLE, PART, BREAKS = 1.0, 0.3, 0.1
"""What a change is worth after which all cases pass, after which another that failed before fails,
and after which one fails that passed before: a wrong start can make up for a wrong loop once."""
TICKS_A_STEP = 1
"""Rounds and calls that a changed program may take, for each statement of the failing run."""


class Probe:
    """Plays the failing case, then the others; ends at the first that does not pass."""

    def __init__(self, failing: int, passing: set[int], most_ticks: int) -> None:
        self.failing, self.passing, self.most_ticks = failing, passing, most_ticks
        self.only = True
        self.all_left = ALL_TICKS
        self._restart()

    def _restart(self) -> None:
        self.number = -1
        self.left = self.granted = min(self.most_ticks, self.all_left)
        self.cure = 0.0

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Enough

    def load(self, run: Run) -> None:
        try:
            run()
        # A changed program that fails to load cures nothing.
        except Exception:
            raise Enough from None

    def case(self, call: Call, run: Run, judge: Judge, *, hidden: bool = False) -> None:
        self.number += 1
        if self.only and self.number != self.failing:
            return
        try:
            passed, _ = judge(run())
        except Enough:
            raise
        except BaseException:
            # A program that calls sys.exit raises no Exception.
            passed = False
        if self.only:
            self.cure = WHOLE if passed else 0
            raise Enough
        if not passed:
            breaks = self.number in self.passing or self.number == self.failing
            self.cure = BREAKS if breaks else PART
            if breaks:
                raise Enough

    def tried(self, program: CodeType, play: Play, *, only: bool) -> float:
        """What the change that is on is worth: 0 to 1."""
        self._restart()
        self.only = only
        self.cure = 0 if only else WHOLE
        try:
            play(program, self)
        except Enough:
            if self.left < 0:
                return 0 if only else BREAKS
        except Exception:
            return 0
        finally:
            console.fresh()
            self.all_left -= self.granted - self.left
        return self.cure


def cures(
    listing: Listing,
    play: Play,
    failing: int,
    passing: set[int],
    ran: dict[int, int],
    rank: dict[int, float],
    until_s: float,
) -> dict[int, float]:
    """For statements with a change that helps: 1 where all cases then pass, else less."""
    if perf_counter() > until_s or _explodes(listing):
        return {}
    suspects = sorted(ran, key=lambda at: -rank.get(at, 0))[:MOST_SUSPECTS]
    variants = Variants(listing, set(suspects), MOST_CHANGES)
    try:
        program = variants.compiled()
    except (SyntaxError, ValueError, RecursionError):
        return {}
    probe = Probe(
        failing, passing, min(FEWEST_TICKS + TICKS_A_STEP * sum(ran.values()), MOST_TICKS)
    )
    order = sorted(
        range(1, len(variants.place)), key=lambda each: -rank.get(variants.place[each], 0)
    )
    with switches(len(variants.place), probe.tick) as switch:
        found: dict[int, float] = {}
        for number in order:
            at = variants.place[number]
            enough = sum(cure == WHOLE for cure in found.values()) >= MOST_CURED
            if enough or probe.all_left < 0 or perf_counter() > until_s:
                break
            if found.get(at) == WHOLE:
                continue
            switch(number)
            if probe.tried(program, play, only=True):
                # Most changes fail the failing case too, so the others are played for few.
                found[at] = max(found.get(at, 0), probe.tried(program, play, only=False))
        return found


def _explodes(listing: Listing) -> bool:
    """Whether a name in a loop is made of itself twice: one more round may double it again."""
    for node in listing.number:
        if isinstance(node, ast.Assign | ast.AugAssign) and listing.within(node, LOOPS):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            parts = list(ast.walk(node.value))
            name = target.id if isinstance(target, ast.Name) else ""
            reads = sum(isinstance(part, ast.Name) and part.id == name for part in parts)
            reads += isinstance(node, ast.AugAssign)
            power = any(isinstance(part, ast.Pow | ast.LShift) for part in parts)
            if reads > 1 or (reads and power):
                return True
    return False
