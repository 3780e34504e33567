"""The facts of a failing run, the most telling ones first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from .answers import answers, written
from .branches import branches
from .clue import Clue, Scene
from .cures import cures
from .endings import endings
from .habits import habits
from .listing import Listing
from .loops import loops
from .parting import parting
from .printing import printing
from .scores import CURE, OCHIAI, SCORES, UNCURED
from .sharing import sharing
from .show import show
from .steps import steps
from .watch import Play, Watched

Json = dict[str, Any]
MOST_FACTS = 8
MOST_EVENTS, STUCK_EVENTS = 3_000, 10_000
"""Statements that are followed of a program that ends, and of one that was stopped. Bounds by
count, so that a busy machine finds what an idle one does: the time is the last fuse."""
REFERENCE_S = 0.1
PRINTED_KINDS = frozenset(("printed_gave_none", "dropped", "ended_without_value"))
"""What there is to tell of a case whose answer is right, but printed and not given back."""
LINES_FIRST = 3
"""So many lines are named before one is named twice."""


def found(
    code: str,
    play: Play,
    *,
    budget_s: float = 0.2,
    ends: bool = True,
    most_events: int | None = None,
    reference: str | None = None,
) -> tuple[list[Json], Json | None]:
    """Facts as web.tutor.evidence.facts reads them, and the table that steps reads.

    play: plays a compiled program with all its cases anew; it is called several times.
    budget_s: when no more is begun, however busy the machine is. ends: whether the program came to
    its end when it was judged; else it is stopped in time, but for what Python does in one step.
    reference: a right program, with which the run is compared.
    """
    try:
        listing = Listing(code)
        program = listing.compiled()
    except SyntaxError as error:
        return [syntax(error)], None
    except (ValueError, RecursionError, MemoryError):
        return [], None
    until_s = perf_counter() + budget_s
    most = most_events or (MOST_EVENTS if ends else STUCK_EVENTS)
    watched = Watched(listing, most_events=most, until_s=until_s, ends=ends, brief=ends)
    watched.watch(program, play)
    failing = watched.failing
    if failing is None:
        return [], None
    # Cases are played in the same order each time, so their number names one.
    number = watched.traces.index(failing) if failing in watched.traces else None
    right_alone = False
    if ends:
        closer = Watched(listing, most_events=most, until_s=until_s, ends=True, only=number)
        closer.watch(program, play)
        # It need not fail again; of one that does not, nobody knows why it failed.
        if closer.failing and number:
            right_alone = passes_alone(listing, play, number, until_s)
        failing = closer.failing or failing
    scene = Scene(listing, failing, watched.passing, right_alone=right_alone)
    bad = [trace.counts for trace in watched.traces if not trace.passed] or [failing.counts]
    rank = ochiai(bad, [trace.counts for trace in watched.passing])
    cured: dict[int, float] = {}
    parted = None
    if number is not None:
        passing = {at for at, trace in enumerate(watched.traces) if trace.passed}
        cured = cures(listing, play, number, passing, failing.counts, rank, until_s)
        parted = beside(scene, play, number, reference) if reference else None
    first = ranked(scene, rank, cured, parted)
    table = steps(scene, first[0].at if first else 0)
    return [told(scene, clue) for clue in first], table


def passes_alone(listing: Listing, play: Play, number: int, until_s: float) -> bool:
    """Whether the case is right in a program that has played no other: what they left is to blame.

    It may go on for ever there, so it is followed.
    """
    other = Watched(
        listing, most_events=MOST_EVENTS, until_s=until_s, ends=False, brief=True, only=number,
        alone=True,
    )  # fmt: skip
    other.watch(listing.compiled(), play)
    return any(trace.passed for trace in other.traces)


def beside(scene: Scene, play: Play, number: int, reference: str) -> Clue | None:
    """Where the case parts from that of a right program."""
    with suppress(SyntaxError, ValueError, RecursionError):
        right = Listing(reference)
        until_s = perf_counter() + REFERENCE_S
        other = Watched(right, most_events=MOST_EVENTS, until_s=until_s, ends=False, only=number)
        other.watch(right.compiled(), play)
        if other.traces:
            return parting(scene.listing, scene.failing, right, other.traces[0])
    return None


def syntax(error: SyntaxError) -> Json:
    return {
        "kind": "syntax", "line": error.lineno or 1, "lines": [], "score": SCORES["syntax"],
        "values": {"message": error.msg[:120]},
    }  # fmt: skip


def clues(scene: Scene) -> Iterator[Clue]:
    for finder in (habits, endings, printing, loops, branches, answers, sharing):
        yield from finder(scene)


def ochiai(
    failing: Sequence[Mapping[int, int]], passing: Sequence[Mapping[int, int]]
) -> dict[int, float]:
    """For each statement 1 where it ran in all failing cases and in no other, 0 to 1.

    Source: Abreu, Zoeteweij, van Gemund 2007.
    """
    found = {}
    for at in set[int]().union(*failing):
        bad = sum(at in counts for counts in failing)
        good = sum(at in counts for counts in passing)
        found[at] = bad / math.sqrt(len(failing) * (bad + good))
    return found


def ranked(
    scene: Scene, rank: dict[int, float], cured: dict[int, float], parted: Clue | None
) -> list[Clue]:
    """The most telling first, each with its score; the first LINES_FIRST of as many lines."""
    best: dict[tuple[int, str], Clue] = {}
    found = [*clues(scene), *([parted] if parted else [])]
    # What a line writes into the wrong name leads to no answer by itself.
    for at in cured.keys() - {clue.at for clue in found}:
        found += written(scene, at)
    if any(clue.kind == "printed_gave_none" and _is_answer(scene, clue) for clue in found):
        # Whatever came before that is right.
        found = [clue for clue in found if clue.kind in PRINTED_KINDS]
    for clue in found:
        line = scene.listing.line(clue.at)
        weighed = OCHIAI * rank.get(clue.at, 0) + CURE * cured.get(clue.at, 0)
        if clue.kind == "rounds" and clue.at not in cured:
            weighed += UNCURED
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


def _is_answer(scene: Scene, clue: Clue) -> bool:
    """Whether what it says was printed is what was expected."""
    expected = scene.failing.expected
    return clue.values["printed"] == (expected if type(expected) is str else show(expected))


def told(scene: Scene, clue: Clue) -> Json:
    return {
        "kind": clue.kind, "line": scene.listing.line(clue.at), "score": clue.score,
        "lines": [scene.listing.line(at) for at in clue.also], "values": clue.values,
    }  # fmt: skip
