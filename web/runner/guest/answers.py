"""Where the answer of the failing case came from, and what else the case left changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .clue import Clue, Scene, Told
from .endings import values_where_it_stopped
from .listing import FUNCTIONS, head, names_in, walk
from .show import cut
from .trace import Trace

MOST_VALUES = 8
NONE = 0.65
"""Added where a name got the None at which the program stops later."""
BEGINS = -0.12
"""The value with which a name begins is rarely what goes wrong, unless a change of it helps."""
WANTED = -0.25
"""Added for a changed argument that is the result itself."""
MUTABLE = (list, dict, set)
"""Kinds of values that can change."""
CHANGING = {
    "append", "add", "extend", "insert", "pop", "remove", "update", "sort", "reverse", "clear",
    "discard", "setdefault", "popleft", "appendleft", "push",
}  # fmt: skip


def answers(scene: Scene) -> Iterator[Clue]:
    trace = scene.failing
    if trace.error is None and not trace.stuck:
        yield from _gives(scene)
    yield from _writes(scene)
    yield from _changed_input(scene)


def _gives(scene: Scene) -> Iterator[Clue]:
    """The return or print that gave the answer, and those of functions which it called."""
    trace = scene.failing
    seen: set[int] = set()
    # Functions that the answer's function called have their part in it.
    for call in trace.calls:
        statement = scene.listing.statements[call.ended_at] if call.ended_at else None
        returns = isinstance(statement, ast.Return) or call.name == "<lambda>"
        if returns and call.gave and call.ended_at not in seen:
            seen.add(call.ended_at)
            weight = 0 if call.above is None else -0.05
            inner: Told = {} if call.above is None else {"inner": 1}
            yield Clue("gives_back", call.ended_at, inner | {"value": call.gave}, weight)
    if trace.outer and trace.outer.name == "<module>":
        for at, text in trace.written_first.items():
            if text:
                yield Clue("gives_back", at, {"value": cut(text, 120)})


def sources(scene: Scene) -> dict[int, tuple[str, int]]:
    """Statements from which the answer comes: the name that each gives a value, and how far off.

    A statement counts if it ran, and gives a value to what the answer, a loop around it, or a
    condition before it reads.
    """
    found: dict[int, tuple[str, int]] = {}
    stopped = scene.failing.error_at or -1
    functions: list[ast.AST] = [node for node in scene.nodes if isinstance(node, FUNCTIONS)]
    for function in functions or [scene.listing.tree]:
        ran = [node for node in walk(function) if scene.ran(node)]
        wanted = {name: 0 for node in ran if _tells(node) for name in names_in(node)}
        wanted |= {name: 0 for node in ran if scene.at(node) == stopped for name in names_in(node)}
        writes = [(node, name) for node in ran for name in stored(node)]
        # Each time one step further back; a longer chain says little of the answer.
        for _ in range(4):
            for node, name in writes:
                if name in wanted:
                    at = scene.at(node)
                    found.setdefault(at, (name, wanted[name]))
                    for read in names_in(node):
                        wanted.setdefault(read, wanted[name] + 1)
    return found


def _tells(node: ast.AST) -> bool:
    match node:
        case ast.Return() | ast.Yield() | ast.Expr(ast.Call(ast.Name("print"))):
            return True
    return False


def stored(node: ast.AST) -> Iterator[str]:
    """Names whose value, or whose content, the statement changes."""
    match node:
        case ast.Assign(targets=targets):
            found: list[ast.expr] = targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            found = [target]
        case ast.NamedExpr(target=target):
            found = [target]
        case ast.Call(ast.Attribute(value, name)) if name in CHANGING:
            found = [value]
        case _:
            return
    for one in found:
        parts = one.elts if isinstance(one, ast.Tuple | ast.List) else [one]
        for part in parts:
            base: ast.expr = part
            while isinstance(base, ast.Subscript | ast.Attribute | ast.Starred):
                base = base.value
            if isinstance(base, ast.Name):
                yield base.id


def _writes(scene: Scene) -> Iterator[Clue]:
    missed = _none_where_it_stopped(scene)
    for at, (name, distance) in sources(scene).items():
        values = _went_through(scene.failing, at, name)
        none = name in missed and values[-1:] == ["None"]
        if at == scene.failing.error_at and not none:
            # It was to give the name a value, and did not come to it.
            continue
        begins = BEGINS if begins_only(scene, at) else 0
        yield from _written(scene, at, name, values, NONE if none else begins - 0.06 * distance)


def written(scene: Scene, at: int) -> Iterator[Clue]:
    """What the statement writes, whether or not the answer is made of it."""
    for node in walk(scene.listing.statements[at]):
        for name in stored(node) if scene.at(node) == at else ():
            yield from _written(scene, at, name, _went_through(scene.failing, at, name))


def _written(
    scene: Scene, at: int, name: str, values: list[str], weight: float = 0
) -> Iterator[Clue]:
    """values: that the name got there. Of a program that stopped none of them is an answer."""
    # Of an object that can only be told by its class no value is told.
    if scene.failing.stuck or (values and all(each.startswith("<") for each in values)):
        return
    trace = scene.failing
    if trace.error is None:
        cut_off = len(values) > MOST_VALUES or not trace.kept_whole
        shown = [*values[: MOST_VALUES - 1], "…"] if cut_off else values
        told: Told = {"name": name, "values": shown}
        if _is_answer(scene, name):
            told["answer"] = 1
        yield Clue("writes_answer", at, told, weight)
    elif values and trace.kept_whole:
        stop = scene.listing.line(scene.failing.error_at)
        yield Clue("before_stop", at, {"name": name, "value": values[-1], "stop": stop}, weight)


def _is_answer(scene: Scene, name: str) -> bool:
    """Whether the name itself is given back or printed, and nothing that is made of it."""
    trace = scene.failing
    for at in (trace.returned_at, *trace.written_first):
        match scene.listing.statements[at]:
            case ast.Return(ast.Name(given)) if at == trace.returned_at:
                return given == name
            case ast.Expr(ast.Call(ast.Name("print"), [ast.Name(given)])) if given == name:
                return True
    return False


def begins_only(scene: Scene, at: int) -> bool:
    """Whether the statement gives a first value that depends on nothing, as `total = 0`."""
    statement = scene.listing.statements[at]
    return isinstance(statement, ast.Assign) and not names_in(statement.value)


def _none_where_it_stopped(scene: Scene) -> set[str]:
    """Names that hold None in the statement at which the program stopped."""
    at = scene.failing.error_at
    if not at or not isinstance(scene.failing.error, TypeError | AttributeError):
        return set()
    values = values_where_it_stopped(scene)
    read = names_in(head(scene.listing.statements[at]))
    return {name for name in read if values.get(name) == "None"}


def _went_through(trace: Trace, at: int, name: str) -> list[str]:
    """The values that the name had after each run of the statement in one call, as far as they were
    kept; in the call that has most of them: in another call it is another name."""
    in_calls: dict[int, list[str]] = {}
    # A name has its new value at the next moment of the same call.
    waits: set[int] = set()
    for event in trace.events:
        if event.call in waits:
            waits.discard(event.call)
            if name in event.values:
                in_calls.setdefault(event.call, []).append(event.values[name])
        if event.at == at and not event.ends:
            waits.add(event.call)
    found = max(in_calls.values(), key=len, default=[])
    if at == trace.error_at:
        # The last time it stopped before it gave a value.
        found = found[:-1]
    return found


def _changed_input(scene: Scene) -> Iterator[Clue]:
    outer = scene.failing.outer
    if outer is None:
        return
    for name, before in outer.arguments.items():
        after = outer.after.get(name, before)
        if after == before or type(outer.inputs.get(name)) not in MUTABLE or name == "self":
            continue
        told: Told = {"name": name, "before": before, "after": after}
        # What the function also gives back it may well be meant to change.
        weight = WANTED if scene.failing.got is outer.inputs[name] else 0
        for node in scene.nodes:
            if scene.ran(node) and name in stored(node) and not _rebinds(node):
                yield Clue("changed_input", scene.at(node), told, weight)
                break


def _rebinds(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
