"""What the loops of the failing case did: how often they went round, and what they never saw."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .clue import OWN, Clue, Scene, Told
from .listing import FUNCTIONS, LOOPS, begins, head, names_in, names_stored, walk
from .sums import worked_out

OVER_THINGS = -0.15
ADDING = {"append", "extend", "insert", "add", "appendleft"}
TAKING = {"remove", "pop", "popleft", "discard", "clear"}
"""Methods that put something in, and that take something out."""
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
                elif _grows(scene, node):
                    sequence = scene.listing.source(node.iter)
                    yield Clue("grows_on", scene.at(node), {"sequence": sequence})
                else:
                    yield Clue("limit_time", scene.at(node), {}, LONG)
            else:
                if isinstance(node, ast.For) and _shrinks(scene, node):
                    yield _shrinks_on(scene, node)
                yield from _rounds(scene, node)
                yield from _unseen(scene, node)


def _grows(scene: Scene, node: ast.For) -> bool:
    """Whether the body puts more into what the loop goes over; any other loop has an end."""
    return _changes(scene, node)[0] > 0


def _shrinks(scene: Scene, node: ast.For) -> bool:
    """Whether the body has taken something out of what the loop goes over."""
    more, less = _changes(scene, node)
    return less > 0 and not more


def _changes(scene: Scene, node: ast.For) -> tuple[int, int]:
    """How many places of the body have put more into what the loop goes over, and taken some out.

    None, where the name gets another value there, which the loop does not go over. What the loop
    is left by right behind it does not count.
    """
    more = less = 0
    for each in (each for part in node.body for each in walk(part)):
        if not scene.ran(each) or _leaves(scene, each):
            continue
        match each:
            case ast.Call(ast.Attribute(ast.Name(name), method)) if _is_over(node, name):
                more += method in ADDING
                less += method in TAKING
            case ast.AugAssign(ast.Name(name), ast.Add()) if _is_over(node, name):
                more += 1
            case ast.Delete(targets=[ast.Subscript(ast.Name(name))]) if _is_over(node, name):
                less += 1
            case ast.Assign() | ast.AnnAssign() if any(
                _is_over(node, name) for name in names_stored(each)
            ):
                return 0, 0
    return more, less


def _leaves(scene: Scene, node: ast.AST) -> bool:
    """Whether a break or return stands behind the node in its block."""
    statement = node if isinstance(node, ast.stmt) else scene.listing.within(node, ast.stmt)
    above = scene.listing.parent.get(statement) if statement else None
    for name in ("body", "orelse"):
        block = getattr(above, name, None)
        if isinstance(block, list) and statement in block:
            return isinstance(block[-1], ast.Break | ast.Return)
    return False


def _is_over(node: ast.For, name: str) -> bool:
    return isinstance(node.iter, ast.Name) and node.iter.id == name


def _shrinks_on(scene: Scene, node: ast.For) -> Clue:
    told: Told = {"sequence": scene.listing.source(node.iter)}
    if _starts(scene, node) == 1:
        told["rounds"] = scene.entered(node, node.body, scene.failing)
    return Clue("shrinks_on", scene.at(node), told)


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
    still = [name for name in names if len(seen[name]) == 1 and _is_whole(seen[name])]
    first = scene.events_at(scene.at(node))
    settled = [name for name in still if len({event.values.get(name) for event in first}) > 1]
    values = events[-1].values if events else {}
    return Clue("never_ends", scene.at(node), {
        "condition": scene.listing.source(condition),
        "names": [f"{name} = {values[name]}" for name in names if name in values],
        "unchanged": [name for name in still if name not in settled],
        "settled": settled,
        "changed": [name for name in names if len(seen[name]) > 1],
        "rounds": scene.entered(node, node.body, scene.failing),
    })  # fmt: skip


def _is_whole(seen: set[str | None]) -> bool:
    """Whether these texts tell a value: one that is cut, or of a class, may differ unseen."""
    return not any("…" in each or each[:1] == "<" or OWN.match(each) for each in seen if each)


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
    runs = _starts(scene, node)
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


def _starts(scene: Scene, node: ast.For | ast.While) -> int:
    """How often the loop began anew."""
    number, within = scene.at(node), inside(scene, node)
    moves = scene.failing.moves.items()
    return sum(n for (a, b), n in moves if b == number and a not in within)


def _ends_of(scene: Scene, node: ast.For | ast.While, rounds: int) -> Told:
    """First and last value of the loop's variable; from one round to itself there is no way."""
    if not isinstance(node, ast.For) or not isinstance(node.target, ast.Name) or rounds < 2:
        return {}
    name, first = node.target.id, scene.at(begins(node.body))
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
                "always": int(always),
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
    forward: set[str] = set()
    for part in walk(function):
        match part:
            # Places are worked out from shown values, for each time that the statement ran.
            case ast.Subscript(ast.Name(name), index) if not isinstance(index, ast.Slice):
                at = scene.at(part)
                places = _places(scene, at, index, name)
                seen.setdefault(name, set()).update(places)
                if at in within and len(set(places)) >= FEWEST_SEEN:
                    moving.add(name)
                    forward |= {name} if places[0] < places[-1] else set()
            case ast.For(iter=ast.Name(name)) | ast.Subscript(ast.Name(name), ast.Slice()):
                seen.setdefault(name, set()).update({0, scene.failing.sizes.get(name, 0) - 1})
            case ast.Call(ast.Attribute(ast.Name(name))):
                # What grows or shrinks has no one length.
                seen.setdefault(name, set()).update({0, scene.failing.sizes.get(name, 0) - 1})
    for name in sorted(name for name in moving if _has_ends(scene, name)):
        length, looked = scene.failing.sizes.get(name, 0), seen[name]
        told: Told = {"sequence": name, "length": length, "forward": int(name in forward)}
        if max(looked) == length - 2:
            yield Clue("last_unseen", number, told | {"index": max(looked)})
        if min(looked) == 1:
            yield Clue("first_unseen", number, told | {"index": 1})


def _has_ends(scene: Scene, name: str) -> bool:
    """Whether its first and last place are known: a dictionary has none, nor what a name holds
    that is given another one later."""
    shown = next((each.values[name] for each in scene.failing.events if name in each.values), "")
    given = [
        node for node in scene.nodes
        if isinstance(node, ast.Assign) and name in names_stored(node) and scene.ran(node)
    ]  # fmt: skip
    return shown[:1] != "{" and len(given) <= 1


def _places(scene: Scene, at: int, index: ast.expr, name: str) -> list[int]:
    """The places at which the statement looked, one after the other."""
    length = scene.failing.sizes.get(name, 0)
    found = (worked_out(index, each.values, scene.failing.sizes) for each in scene.events_at(at))
    known = [each for each in found if each is not None]
    return [each + length if each < 0 else each for each in known if -length <= each < length]
