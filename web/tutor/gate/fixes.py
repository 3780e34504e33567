"""What of a solution a sentence tells: rule R2, asked as a draft grows.

Nearly always nothing of a solution is found in it, and then what the student has seen is not asked
for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from itertools import chain

from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import GRAM, SPAN, Gram, operated, runs, tokens, without_blanks
from web.tutor.gate.literals import quoted
from web.tutor.gate.readings import APART, Readings, together
from web.tutor.gate.seen import Seen
from web.tutor.gate.solution import LONE, PAIRING, Solutions
from web.tutor.gate.spoken import operators
from web.tutor.languages import HANGUL

BARE = re.compile(r"(?<![^\s`])[<>](?![^\s`])")


def shows_fix(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """A run of tokens that only a solution has: three, or two that are code."""
    return bool(known) and (
        _tells(draft.readings, known, seen)
        or _scatters(draft.trail, known, seen)
        or shows_line(draft, known, seen)
    )


def _tells(told: Readings, known: Solutions, seen: Seen) -> bool:
    forward = (*told[:6], told.joined)
    turned = _of(known.turned_runs, forward, GRAM)
    if turned and not seen.turned.issuperset(known.turned[run] for run in turned):
        return True
    paired = [told.unmarked, told.rendered_unmarked, told.joined]
    in_code = [told.in_spans, told.rendered_in_spans]
    if HANGUL.search("".join(told.rendered)):
        # In a Korean text Latin words are code without backticks too.
        in_code.append(told.rendered_unmarked)
    dictated = () if known.signs.isdisjoint(told.dictated) else (told.dictated,)
    return (
        _is_hidden(_of(known.runs, forward, GRAM), seen, "grams")
        or _is_hidden(_of(known.pairs, _with(PAIRING, paired), 2), seen, "pairs")
        or _is_hidden(_of(known.pairs_in_code, in_code, 2), seen, "pairs")
        or _is_hidden(_of(known.dictated, dictated, GRAM), seen, "dictated")
        or _is_hidden(_of(known.read_out, (told.read_out,), 2), seen, "read_out")
    )


def _of(hidden: frozenset[Gram], readings: Iterable[list[str]], size: int) -> frozenset[Gram]:
    """Those of the runs that one of the readings has."""
    # Most readings of most sentences are the same list, or an empty one.
    once = {id(parts): parts for parts in readings if parts}.values()
    return hidden.intersection(chain.from_iterable([runs(parts, size) for parts in once]))


def _is_hidden(found: Set[Gram], seen: Seen, kind: str) -> bool:
    return bool(found) and not found <= getattr(seen, kind)


def _with(marks: frozenset[str], readings: list[list[str]]) -> list[list[str]]:
    return [parts for parts in readings if not marks.isdisjoint(parts)]


def _scatters(trail: list[str], known: Solutions, seen: Seen) -> bool:
    """Whether a run of a solution is told with words of prose between its tokens."""
    # Words that the solution does not have are what it was scattered over.
    told = {
        run
        for each in known.each
        for run in operated([part for part in trail if part in each.tokens]) & each.scattered
    }
    return _is_hidden(told, seen, "scattered")


def shows_line(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """A line of a solution, letter by letter, or one of which the student has written more."""
    told = (draft.readings.rendered, draft.readings.rendered_in_spans)
    texts = [f" {' '.join(parts)} " for parts in told if parts]
    squeezed = without_blanks(draft.rendered)
    # What is joined is another list only where characters stand apart.
    apart = told[0] is not draft.readings.joined
    spelled = {together(found[0]) for found in APART.finditer(draft.rendered if apart else "")}
    return any(
        (piece in squeezed and piece not in seen.squeezed)
        or (piece in spelled and piece not in seen.squeezed_lines)
        for piece in known.pieces
    ) or any(
        _ends_early(text, line, seen) for line in known.lines for text in texts if line in text
    )


# Who has written `return a + b` is told the answer by "return a", which stands in their text.
def _ends_early(text: str, line: str, seen: Seen) -> bool:
    follow = seen.may_follow(line)
    if not follow:
        return False
    ends = (part.partition(" ")[0] for part in text.split(line)[1:])
    return not follow.issuperset(ends)


def shows_literal(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """A text in quotes, and what stands beside it, as only a solution has them."""
    found = quoted(draft.rendered) & known.quoted if known.quoted else set()
    return bool(found) and not found <= seen.quoted


def tells_operator(draft: Draft, known: Solutions, seen: Seen, patterns: bool) -> bool:
    """An operator that only a solution has, by itself. patterns: code spans may hold it."""
    if not known.operators:
        return False
    parts = draft.readings.rendered
    if patterns and "`" in draft.rendered:
        parts = tokens(SPAN.sub(_lone, draft.rendered))
    # "Slash slash" is told by no token, and `<` stands before the name of a tag too.
    told = {*LONE.intersection(parts), *operators(draft.rendered), *BARE.findall(draft.rendered)}
    found = told & known.operators
    return bool(found) and not found <= seen.tokens


def _lone(span: re.Match[str]) -> str:
    return span[0] if span[1].strip() in LONE else " "
