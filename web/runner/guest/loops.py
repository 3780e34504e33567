"""What the loops of the failing case did: how often they went round, and what they never saw."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .answers import stored
from .clue import Clue, Scene, Told
from .listing import FUNCTIONS, LOOPS, head, names_in, names_stored, walk
from .sums import worked_out

OVER_THINGS = -0.15
TAKING = {"remove", "pop", "popleft", "discard", "clear"}
"""Methods that take something out."""
LONG = 0.5
"""Added for the loop in which the time ran out, against the line that happened to run then."""
FEWEST_SEEN = 2
"""Places of a sequence that a loop must have looked at before it can have missed one."""


def loops(scene: Scene) -> Iterator[Clue]:
    for node in scene.nodes:
        if isinstance(node, ast.For | ast.While) and scene.ran(node):
            if scene.failing.stuck and _goes_on(scene, node):
                if isinstance(node, ast.While):
                    yield _never_ends(scene, node)
                elif _grows(node):
                    sequence = scene.listing.source(node.iter)
                    yield Clue("grows_on", scene.at(node), {"sequence": sequence})
                else:
                    yield Clue("limit_time", scene.at(node), {}, LONG)
            else:
                if isinstance(node, ast.For) and _shrinks(scene, node):
                    yield _shrinks_on(scene, node)
                yield from _rounds(scene, node)
                yield from _unseen(scene, node)


def _grows(node: ast.For) -> bool:
    """Whether the body puts more into what the loop goes over; any other loop has an end."""
    over = {node.iter.id} if isinstance(node.iter, ast.Name) else set()
    return any(over & set(stored(each)) for part in node.body for each in walk(part))


def _shrinks(scene: Scene, node: ast.For) -> bool:
    """Whether the body has taken something out of what the loop goes over."""
    if not isinstance(node.iter, ast.Name):
        return False
    for each in (each for part in node.body for each in walk(part)):
        match each:
            case ast.Call(ast.Attribute(ast.Name(name), method)):
                taken = method in TAKING
            case ast.Delete(targets=[ast.Subscript(ast.Name(name))]):
                taken = True
            case _:
                continue
        if taken and name == node.iter.id and scene.ran(each):
            return True
    return False


def _shrinks_on(scene: Scene, node: ast.For) -> Clue:
    rounds = scene.entered(node, node.body, scene.failing)
    return Clue("shrinks_on", scene.at(node), {
        "sequence": scene.listing.source(node.iter), "rounds": rounds,
    })  # fmt: skip


def counts(node: ast.For) -> bool:
    """Whether the loop goes over whole numbers."""
    match node.iter:
        case ast.Call(ast.Name("range")):
            return True
    return False


def inside(scene: Scene, node: ast.For | ast.While) -> set[int]:
    """Numbers of the statements in the loop's body."""
    walked = (each for part in node.body for each in walk(part))
    return {scene.at(each) for each in walked if isinstance(each, ast.stmt)}


def _goes_on(scene: Scene, node: ast.For | ast.While) -> bool:
    """Whether it is the outermost loop that was not left in the last events."""
    if not _unleft(scene, node):
        return False
    above = scene.listing.within(node, (*LOOPS, *FUNCTIONS))
    while isinstance(above, ast.For | ast.While):
        if _unleft(scene, above):
            return False
        above = scene.listing.within(above, (*LOOPS, *FUNCTIONS))
    return True


def _unleft(scene: Scene, node: ast.For | ast.While) -> bool:
    number, within = scene.at(node), inside(scene, node)
    # In recursion the same loop runs in several calls at once.
    calls = {event.call for event in scene.failing.last if event.at == number}
    at = [event.at for event in scene.failing.last if event.call in calls]
    return bool(at) and number in at and all(each == number or each in within for each in at)


def _never_ends(scene: Scene, node: ast.While) -> Clue:
    condition = head(node)
    # The last rounds are those that would go on: what changed before may stand still by now.
    events = [event for event in scene.failing.last if event.at == scene.at(node)]
    names = [name for name in names_in(condition) if any(name in each.values for each in events)]
    seen = {name: {event.values.get(name) for event in events} for name in names}
    still = [name for name in names if len(seen[name]) == 1]
    first = scene.events_at(scene.at(node))
    settled = [name for name in still if len({event.values.get(name) for event in first}) > 1]
    values = events[-1].values if events else {}
    return Clue("never_ends", scene.at(node), {
        "condition": scene.listing.source(condition),
        "names": [f"{name} = {values[name]}" for name in names if name in values],
        "unchanged": [name for name in still if name not in settled],
        "settled": settled,
        "changed": [name for name in names if name not in still],
        "rounds": scene.entered(node, node.body, scene.failing),
    })  # fmt: skip


def _rounds(scene: Scene, node: ast.For | ast.While) -> Iterator[Clue]:
    # A loop that filled the memory was not at its end.
    if not scene.failing.whole or isinstance(scene.failing.error, MemoryError):
        return
    number, rounds = scene.at(node), scene.entered(node, node.body, scene.failing)
    if number == scene.failing.error_at and not rounds:
        # What it was to go over could not be had.
        return
    if not rounds:
        yield Clue("no_round", number, {"loop": scene.listing.source(head(node))})
        return
    if left := _left_at_once(scene, node, rounds):
        yield left
    told: Told = {"rounds": rounds}
    within = inside(scene, node)
    moves = scene.failing.moves.items()
    runs = sum(n for (a, b), n in moves if b == number and a not in within)
    if runs > 1:
        # Of a loop within a loop the first and last round stand far apart.
        yield Clue("rounds", number, told | {"runs": runs})
        return
    told |= _ends_of(scene, node, rounds)
    for name in names_in(head(node)):
        if name in scene.failing.sizes:
            told["length"] = scene.failing.sizes[name]
            break
    # Over the things themselves a loop goes as often as there are some.
    ranged = isinstance(node, ast.While) or counts(node)
    yield Clue("rounds", number, told, 0 if ranged else OVER_THINGS)


def _ends_of(scene: Scene, node: ast.For | ast.While, rounds: int) -> Told:
    """First and last value of the loop's variable; from one round to itself there is no way."""
    if not isinstance(node, ast.For) or not isinstance(node.target, ast.Name) or rounds < 2:
        return {}
    name, first = node.target.id, scene.at(node.body[0])
    begun = [moment for _, moment in scene.passages(scene.at(node), first)]
    seen = [moment.values[name] for moment in begun if name in moment.values]
    told: Told = {"variable": name, "first": seen[0]} if seen else {}
    return told | ({"last": seen[-1]} if len(seen) == rounds else {})


def _left_at_once(scene: Scene, node: ast.For | ast.While, rounds: int) -> Clue | None:
    """The return or break by which each run of the loop was left in its first round."""
    number, within = scene.at(node), inside(scene, node)
    # Of one thing nothing is left to be seen.
    if any(scene.failing.sizes.get(name, 2) < 2 for name in names_in(head(node))):
        return None
    # Coming back from the body to the loop begins another round, or ends it.
    if any(scene.failing.moves[each, number] for each in within):
        return None
    for part in node.body:
        for inner in walk(part):
            if not isinstance(inner, ast.Return | ast.Break) or not scene.ran(inner):
                continue
            if scene.listing.within(inner, (*LOOPS, *FUNCTIONS)) is not node:
                continue
            # `if x == wanted: return x` may well be right in the first round.
            always = _always_leaves(node.body)
            word = "return" if isinstance(inner, ast.Return) else "break"
            values = scene.values_at(inner)
            # What the loop itself gives is what is different in each round.
            given = names_stored(node.target) if isinstance(node, ast.For) else []
            order = sorted(values, key=lambda name: name not in given)
            names = [f"{name} = {values[name]}" for name in order][:6]
            told: Told = {
                "loop": scene.listing.line(number), "word": word, "round": 1, "names": names,
            }  # fmt: skip
            return Clue("ends_first_round", scene.at(inner), told, 0 if always else -0.4)
    return None


def _always_leaves(body: list[ast.stmt]) -> bool:
    """Whether no way through the body leads to a second round."""
    for statement in body:
        match statement:
            case ast.Return() | ast.Break() | ast.Raise():
                return True
            case ast.If(body=one, orelse=other) if other:
                if _always_leaves(one) and _always_leaves(other):
                    return True
    return False


def _unseen(scene: Scene, node: ast.For | ast.While) -> Iterator[Clue]:
    """An end of a sequence at whose places the loop looks, one after the other, but not there."""
    number = scene.at(node)
    # A loop that is left early need not see the end.
    if any(isinstance(each, ast.Break) for each in walk(node)) or not scene.failing.whole:
        return
    seen: dict[str, set[int]] = {}
    function = scene.listing.within(node, FUNCTIONS) or scene.listing.tree
    within = inside(scene, node)
    moving: set[str] = set()
    for part in walk(function):
        match part:
            # Places are worked out from shown values, for each time that the statement ran.
            case ast.Subscript(ast.Name(name), index) if not isinstance(index, ast.Slice):
                at = scene.at(part)
                places = _places(scene, at, index, name)
                seen.setdefault(name, set()).update(places)
                if at in within and len(places) >= FEWEST_SEEN:
                    moving.add(name)
            case ast.For(iter=ast.Name(name)) | ast.Subscript(ast.Name(name), ast.Slice()):
                seen.setdefault(name, set()).update({0, scene.failing.sizes.get(name, 0) - 1})
            case ast.Call(ast.Attribute(ast.Name(name))):
                # What grows or shrinks has no one length.
                seen.setdefault(name, set()).update({0, scene.failing.sizes.get(name, 0) - 1})
    for name in sorted(moving):
        length, places = scene.failing.sizes.get(name, 0), seen[name]
        told: Told = {"sequence": name, "length": length}
        if max(places) == length - 2:
            yield Clue("last_unseen", number, told | {"index": max(places)})
        if min(places) == 1:
            yield Clue("first_unseen", number, told | {"index": 1})


def _places(scene: Scene, at: int, index: ast.expr, name: str) -> set[int]:
    length = scene.failing.sizes.get(name, 0)
    found = {
        worked_out(index, event.values, scene.failing.sizes) for event in scene.events_at(at)
    }  # fmt: skip
    known = {each for each in found if each is not None}
    return {each + length if each < 0 else each for each in known if -length <= each < length}
