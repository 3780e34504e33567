"""Where a student's run and that of a right program part: the student's side of it alone."""

from __future__ import annotations

import ast
from difflib import SequenceMatcher

from .clue import Clue, Told
from .listing import FUNCTIONS, Listing, head
from .trace import Moment, Trace

FEWEST_ALIKE = 0.5
"""Share of the student's statements that the right program must have too."""


def parting(listing: Listing, trace: Trace, right: Listing, other: Trace) -> Clue | None:
    """The first statement after which the two runs differ, in a value or in their way.

    None where the programs are too unlike for their runs to be laid side by side.
    """
    pairs, alike = paired(listing, right)
    if alike < FEWEST_ALIKE:
        return None
    back = {theirs: mine for mine, theirs in pairs.items()}
    last: dict[int, int] = {}
    newest = 0
    mine, theirs = list(trace.events), list(other.events)
    while mine and theirs:
        here, there = mine[0], theirs[0]
        before = last.get(here.call) or newest
        if here.ends != there.ends or (not here.ends and pairs.get(here.at) != there.at):
            if not here.ends and here.at not in pairs:
                # A statement that the right program has not: what follows tells what it did.
                last[here.call] = newest = mine.pop(0).at
                continue
            if not there.ends and there.at not in back:
                theirs.pop(0)
                continue
            return _clue(listing, before or here.at, "", "")
        # The statement before gave the name its value; this one only finds it.
        if name := _differing(here, there):
            return _clue(listing, before or here.at, name, here.values[name])
        if here.ends and _gave(trace, here) != _gave(other, there):
            return _clue(listing, here.at, "", _gave(trace, here) or "")
        last[here.call] = newest = here.at
        mine.pop(0)
        theirs.pop(0)
    return _clue(listing, newest, "", "") if newest and trace.whole and other.whole else None


def paired(listing: Listing, right: Listing) -> tuple[dict[int, int], float]:
    """Which statement of the right program stands for which of the student's.

    Those between two that are the same stand for one another in their order, if they are as many.
    """
    mine, theirs = _texts(listing), _texts(right)
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    pairs: dict[int, int] = {}
    same = 0
    for sort, first, last, start, end in matcher.get_opcodes():
        # Lines that were replaced by as many stand for one another.
        if last - first == end - start:
            pairs |= {first + place: start + place for place in range(last - first)}
        same += (last - first) * (sort == "equal")
    return {at + 1: other + 1 for at, other in pairs.items()}, same / max(1, len(mine))


def _texts(listing: Listing) -> list[str]:
    return [_text(statement) for statement in listing.statements[1:]]


def _text(statement: ast.stmt) -> str:
    if isinstance(statement, FUNCTIONS):
        return f"def {statement.name}"
    return f"{type(statement).__name__} {ast.dump(head(statement))}"


def _differing(here: Moment, there: Moment) -> str | None:
    for name, text in here.values.items():
        if there.values.get(name, text) != text:
            return name
    return None


def _gave(trace: Trace, event: Moment) -> str | None:
    return trace.calls[event.call].gave if event.call < len(trace.calls) else None


def _clue(listing: Listing, at: int, name: str, value: str) -> Clue:
    statement = listing.statements[at]
    told: Told = {"value": value}
    if not isinstance(statement, FUNCTIONS):
        told["at"] = listing.source(
            head(statement) if hasattr(head(statement), "col_offset") else statement
        )
    return Clue("first_difference", at, {"name": name} | told if name else told)
