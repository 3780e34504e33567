"""The facts of a failing run, the most telling ones first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter
from typing import Any

from .answers import answers
from .branches import branches
from .clue import Clue, Scene
from .cures import cures
from .endings import endings
from .habits import habits
from .listing import Listing
from .loops import loops
from .parting import parting
from .scores import CURE, OCHIAI, SCORES
from .steps import steps
from .trace import Enough
from .watch import Play, Watched

Json = dict[str, Any]
MOST_FACTS = 8
REFERENCE_S = 0.02
LINES_FIRST = 3
"""So many lines are named before one is named twice."""
SHARE_OF_TRACES = 0.5
"""Of the time; the rest is for small changes."""


def found(
    code: str,
    play: Play,
    *,
    budget_s: float = 0.04,
    ends: bool = True,
    reference: str | None = None,
) -> tuple[list[Json], Json | None]:
    """Facts as web.tutor.evidence.facts reads them, and the table that steps reads.

    play: plays a compiled program with all its cases anew; it is called several times.
    budget_s: about how long all of it may take, if ends. ends: whether the program came to its end
    when it was judged; else it is stopped in time, but for what Python does in one step.
    reference: a right program, with which the run is compared.
    """
    try:
        listing = Listing(code)
        program = listing.compiled()
    except SyntaxError as error:
        return [syntax(error)], None
    except (ValueError, RecursionError, MemoryError):
        return [], None
    began_s = perf_counter()
    watched = Watched(listing, budget_s=budget_s * SHARE_OF_TRACES, ends=ends)
    # It stands for a program that was stopped; what was seen until then is enough.
    with suppress(Enough, Exception):
        play(program, watched)
    if watched.failing is None:
        return [], None
    scene = Scene(listing, watched.failing, watched.passing)
    failing = [trace for trace in watched.traces if not trace.passed] or [watched.failing]
    parted = _parted(scene, play, watched, reference)
    rank = ochiai([trace.counts for trace in failing], [trace.counts for trace in watched.passing])
    if watched.failing in watched.traces:
        until_s = began_s + budget_s
        # Cases are played in the same order each time, so their number names one.
        number = watched.traces.index(watched.failing)
        cured = cures(listing, play, number, watched.failing.counts, rank, until_s)
    else:
        cured = {}
    first = ranked(scene, rank, cured, parted)
    table = steps(scene, first[0].at if first else 0)
    return [told(scene, clue) for clue in first], table


def _parted(scene: Scene, play: Play, watched: Watched, reference: str | None) -> Clue | None:
    if reference is None or scene.failing not in watched.traces:
        return None
    with suppress(SyntaxError, ValueError, RecursionError):
        right = Listing(reference)
        other = Watched(right, budget_s=REFERENCE_S, ends=False)
        with suppress(Enough):
            play(right.compiled(), other)
        number = watched.traces.index(scene.failing)
        if number < len(other.traces):
            return parting(scene.listing, scene.failing, right, other.traces[number])
    return None


def syntax(error: SyntaxError) -> Json:
    return {
        "kind": "syntax", "line": error.lineno or 1, "lines": [], "score": SCORES["syntax"],
        "values": {"message": error.msg[:120]},
    }  # fmt: skip


def clues(scene: Scene) -> Iterator[Clue]:
    for finder in (habits, endings, loops, branches, answers):
        yield from finder(scene)


def ochiai(failing: list[dict[int, int]], passing: list[dict[int, int]]) -> dict[int, float]:
    """For each statement 1 where it ran in all failing cases and in no other, 0 to 1.

    Source: Abreu, Zoeteweij, van Gemund 2007.
    """
    found = {}
    for at in set().union(*failing):
        bad = sum(at in counts for counts in failing)
        good = sum(at in counts for counts in passing)
        found[at] = bad / math.sqrt(len(failing) * (bad + good))
    return found


def ranked(
    scene: Scene, rank: dict[int, float], cured: dict[int, float], parted: Clue | None
) -> list[Clue]:
    """The most telling first, each with its score; the first LINES_FIRST of as many lines."""
    best: dict[tuple[int, str], Clue] = {}
    for clue in (*clues(scene), *([parted] if parted else [])):
        line = scene.listing.line(clue.at)
        weighed = OCHIAI * rank.get(clue.at, 0) + CURE * cured.get(clue.at, 0)
        clue.score = round(SCORES[clue.kind] + clue.weight + weighed, 3)
        before = best.get((line, clue.kind))
        if before is None or before.score < clue.score:
            best[line, clue.kind] = clue
    order = sorted(best.values(), key=lambda clue: -clue.score)
    # A second fact about the same line helps less than one about another line.
    first: dict[int, Clue] = {}
    for clue in order:
        first.setdefault(scene.listing.line(clue.at), clue)
    lead = list(first.values())[:LINES_FIRST]
    return [*lead, *(clue for clue in order if clue not in lead)][:MOST_FACTS]


def told(scene: Scene, clue: Clue) -> Json:
    return {
        "kind": clue.kind, "line": scene.listing.line(clue.at), "score": clue.score,
        "lines": [scene.listing.line(at) for at in clue.also], "values": clue.values,
    }  # fmt: skip
