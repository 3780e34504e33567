"""How the conditions of the failing case came out, also against the cases that pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .clue import Clue, Scene, Told
from .listing import begins
from .trace import Trace


def branches(scene: Scene) -> Iterator[Clue]:
    for node in scene.nodes:
        if scene.at(node) == scene.failing.error_at:
            # Its condition may be what stopped the program, and then came out in no way.
            continue
        if isinstance(node, ast.If | ast.While) and scene.ran(node):
            # Of a run that was followed in part, nothing can be said of every time.
            if isinstance(node, ast.If) and scene.failing.whole:
                yield branch(scene, node)
            yield from _against_passing(scene, node)


def branch(scene: Scene, node: ast.If) -> Clue:
    """How its condition came out each time, of one that was asked."""
    number, asked = scene.at(node), scene.ran(node)
    taken = scene.entered(node, node.body, scene.failing)
    told: Told = {
        "condition": scene.listing.source(node.test),
        "values": scene.named(node.test, scene.values_at(node, last=True)),
        "asked": asked,
    }
    if not taken:
        return Clue("branch_not_taken", number, told)
    if taken == asked:
        return Clue("branch_always_taken", number, told)
    true_at = scene.passages(number, scene.at(begins(node.body)))
    values = scene.named(node.test, true_at[-1][0].values) if true_at else []
    return Clue("branch_sometimes_taken", number, told | {"times": taken, "values": values})


def _against_passing(scene: Scene, node: ast.If | ast.While) -> Iterator[Clue]:
    """A passing case in which the condition came out in no way that it did in the failing one."""
    ways = outcomes(scene, node, scene.failing)
    for trace in scene.passing:
        other = outcomes(scene, node, trace)
        # What a hidden case holds must not be seen beside this one, and of a case that was followed
        # in part nobody knows how the condition came out later.
        if trace.hidden or not trace.whole or not other or ways & other:
            continue
        events = [event for event in trace.events if event.at == scene.at(node)]
        told: Told = {
            "call": trace.text,
            "condition": scene.listing.source(node.test),
            "values_failing": scene.named(node.test, scene.values_at(node)),
            "values_passing": scene.named(node.test, events[0].values) if events else [],
        }
        yield Clue("against_passing", scene.at(node), told)
        return


def outcomes(scene: Scene, node: ast.If | ast.While, trace: Trace) -> set[bool]:
    """Whether the condition was ever true, ever false."""
    asked, taken = trace.counts[scene.at(node)], scene.entered(node, node.body, trace)
    return {way for way, times in ((True, taken), (False, asked - taken)) if times > 0}
