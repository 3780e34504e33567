"""What the program did on the failing case, as a small table: rounds, calls, or lines."""

from __future__ import annotations

import ast
import itertools
from typing import Any

from .clue import Scene
from .endings import values_where_it_stopped
from .listing import FUNCTIONS, LOOPS
from .loops import inside
from .show import cut
from .trace import Moment, Trace, Values

MOST_NAMES = 8
FIRST_ROWS, LAST_ROWS = 8, 4
VALUE_CHARS = 40
Row = dict[str, Any]


def steps(scene: Scene, at: int) -> dict[str, Any] | None:
    """The table that web.tutor.evidence.steps reads.

    at: the statement of the first fact, whose loop is shown before another. None for a case that
    is hidden from students, and for a run of which nothing is known.
    """
    trace = scene.failing
    if trace.hidden or not trace.events:
        return None
    if name := _calls_itself(trace):
        kind, rows, total = "calls", _calls(scene, name), None
    elif loop := _loop(scene, at):
        kind, (rows, total) = "loop", _rounds(scene, loop)
    else:
        kind, rows, total = "lines", _lines(scene), None
    return _table(scene, kind, rows, total)


def _table(scene: Scene, kind: str, rows: list[Row], total: int | None) -> dict[str, Any]:
    total = len(rows) if total is None else max(total, len(rows))
    if len(rows) > FIRST_ROWS + LAST_ROWS or total > len(rows):
        rows = rows[:FIRST_ROWS] + rows[FIRST_ROWS:][-LAST_ROWS:]
    # What never changes says the least: last, or not at all where there are too many names.
    moving = {name for row in rows for name in row["changed"]}
    held = dict.fromkeys(name for row in rows for name in row["values"])
    names = sorted(held, key=lambda name: name not in moving)[:MOST_NAMES]
    for row in rows:
        row["values"] = {name: row["values"][name] for name in names if name in row["values"]}
        row["changed"] = [name for name in row["changed"] if name in names]
    failed = failed_at(scene)
    return {
        "kind": kind, "names": names, "rows": rows, "omitted": total - len(rows),
        "line": scene.listing.line(failed) if failed else None,
        "at": _cut(_where(scene, failed), MOST_NAMES),
    }  # fmt: skip


def failed_at(scene: Scene) -> int:
    """The statement that gave the wrong answer, or at which the program stopped."""
    trace = scene.failing
    if trace.stuck:
        return trace.last[-1].at if trace.last else 0
    return trace.error_at if trace.error is not None else trace.returned_at


def _where(scene: Scene, failed: int) -> Values:
    """What names held there, in the call that gave the answer or in which it stopped."""
    trace = scene.failing
    if trace.error is not None:
        return values_where_it_stopped(scene)
    call = trace.outer.number if trace.outer and not trace.stuck else None
    for moment in reversed(scene.events_at(failed)):
        if call is None or moment.call == call:
            return moment.values
    return {}


def _cut(values: Values, most: int = 1_000) -> Values:
    return {name: cut(text, VALUE_CHARS) for name, text in list(values.items())[:most]}


def _row(scene: Scene, at: int, label: str, values: Values, before: Values) -> Row:
    changed = [name for name, text in values.items() if before.get(name) != text]
    return {
        "line": scene.listing.line(at), "label": label, "values": _cut(values), "changed": changed,
    }  # fmt: skip


def _calls_itself(trace: Trace) -> str | None:
    names = {call.number: call.name for call in trace.calls}
    for call in trace.calls:
        above = call.above
        if above is not None and names.get(above) == call.name and call.name != "<lambda>":
            return call.name
    return None


def _calls(scene: Scene, name: str) -> list[Row]:
    """A row a call: its arguments, and what it gave back."""
    found = []
    begins = next(
        (scene.at(node) for node in scene.nodes
         if isinstance(node, FUNCTIONS) and node.name == name), None,
    )  # fmt: skip
    for call in scene.failing.calls:
        if call.name != name:
            continue
        arguments = ", ".join(cut(text, VALUE_CHARS) for text in call.arguments.values())
        label = cut(f"{name}({arguments})", 60)
        row = _row(scene, begins or call.ended_at, label, call.arguments, {})
        # Each call has arguments of its own: none was changed.
        row["changed"] = []
        # `return` is no name of a variable's, and cannot hide one.
        if call.gave is not None:
            row["values"]["return"] = cut(call.gave, VALUE_CHARS)
        found.append(row)
    return found


def _loop(scene: Scene, at: int) -> ast.For | ast.While | None:
    """The loop that holds the statement; else the one that went round most often."""
    statement = scene.listing.statements[at] if at < len(scene.listing.statements) else None
    near = statement if isinstance(statement, LOOPS) else None
    if statement is not None and near is None:
        # A table of another loop than the one spoken of would puzzle.
        near = scene.listing.within(statement, (*LOOPS, *FUNCTIONS))  # type: ignore[assignment]
    if isinstance(near, ast.For | ast.While) and scene.entered(near, near.body, scene.failing):
        return near
    ran = [
        (scene.entered(node, node.body, scene.failing), -scene.at(node), node)
        for node in scene.nodes if isinstance(node, ast.For | ast.While)
    ]  # fmt: skip
    times, _, loop = max(ran, default=(0, 0, None))
    return loop if times else None


def _rounds(scene: Scene, loop: ast.For | ast.While) -> tuple[list[Row], int]:
    """A row a round, with what names held at its end; and how many rounds there were."""
    trace, number = scene.failing, scene.at(loop)
    within = inside(scene, loop)
    rows = _rounds_in(scene, trace.events, number, within)
    rounds = scene.entered(loop, loop.body, trace)
    if trace.stuck and trace.last and trace.last[-1].at in within:
        # The round in which it was stopped has no end.
        rounds -= 1
    if not trace.whole and not trace.stuck:
        return rows[:FIRST_ROWS], max(rounds, FIRST_ROWS + 1)
    # Only the first events are kept whole, so the last rounds come from elsewhere.
    if rounds > len(rows):
        rows = rows[:FIRST_ROWS]
        rows += _last_rounds(scene, number, within, rounds)
    return rows, rounds


def _rounds_in(scene: Scene, events: list[Moment], number: int, within: set[int]) -> list[Row]:
    rows: list[Row] = []
    open_in: dict[int, Values] = {}
    at_head: dict[int, Values] = {}
    for event in events:
        before = open_in.get(event.call)
        leaves = event.at == number or event.at not in within or event.ends
        if before is not None and leaves:
            del open_in[event.call]
            rows.append(_row(scene, number, str(len(rows) + 1), event.values, before))
        if event.at in within and event.call not in open_in and not event.ends:
            # From before the loop's variable got its value.
            open_in[event.call] = at_head.get(event.call, event.values)
        if event.at == number:
            at_head[event.call] = event.values
    return rows


def _last_rounds(scene: Scene, number: int, within: set[int], rounds: int) -> list[Row]:
    """Of a long loop: from its last events where it was stopped, else from what was kept."""
    trace = scene.failing
    found = _rounds_in(scene, list(trace.last), number, within)[-LAST_ROWS:]
    if not found:
        kept = [
            {name: cut(repr(value), VALUE_CHARS) for name, value in held.items()}
            for held in trace.rounds.get(number, ())
        ]
        found = [
            _row(scene, number, "", after, before) for before, after in itertools.pairwise(kept)
        ][-LAST_ROWS:]
    for place, row in enumerate(found):
        row["label"] = str(rounds - len(found) + place + 1)
    return found


def _lines(scene: Scene) -> list[Row]:
    """A row a line that ran in the call of the case, with what names held after it."""
    outer = scene.failing.outer
    events = [event for event in scene.failing.events if outer and event.call == outer.number]
    rows = []
    for now, after in itertools.pairwise(events):
        if not now.ends:
            rows.append(_row(scene, now.at, "", after.values, now.values))
    return rows
