"""How the conditions of the failing case came out, also against the cases that pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from .clue import Clue, Scene, Told
from .trace import Event, Trace


def branches(scene: Scene) -> Iterator[Clue]:
    for node in scene.nodes:
        if scene.at(node) == scene.failing.error_at:
            # Its condition may be what stopped the program, and then came out in no way.
            continue
        if isinstance(node, ast.If) and scene.ran(node):
            yield from _branch(scene, node)
        elif isinstance(node, ast.While) and scene.ran(node):
            yield from _against_passing(scene, node, node.test)


def _branch(scene: Scene, node: ast.If) -> Iterator[Clue]:
    number, asked = scene.at(node), scene.ran(node)
    taken = scene.entered(node, node.body, scene.failing)
    told: Told = {
        "condition": scene.reading.source(node.test),
        "values": scene.named(node.test, scene.values_at(node, last=True)),
    }
    if scene.failing.whole:
        if not taken:
            yield Clue("branch_not_taken", number, told)
        elif taken == asked:
            yield Clue("branch_always_taken", number, told)
        else:
            true_at = [
                before for before, after in pairwise(_run(scene))
                if before.at == number and after.at == scene.at(node.body[0])
            ]  # fmt: skip
            values = scene.named(node.test, true_at[-1].values) if true_at else []
            told |= {"times": taken, "asked": asked, "values": values}
            yield Clue("branch_sometimes_taken", number, told)
    yield from _against_passing(scene, node, node.test)


def _run(scene: Scene) -> list[Event]:
    """The events of the call that the case made."""
    outer = scene.failing.outer
    return [event for event in scene.failing.events if outer and event.call == outer.number]


def _against_passing(scene: Scene, node: ast.If | ast.While, test: ast.expr) -> Iterator[Clue]:
    """A passing case in which the condition came out in no way that it did in the failing one."""
    ways = outcomes(scene, node, scene.failing)
    for trace in scene.passing:
        other = outcomes(scene, node, trace)
        if trace.hidden or not other or ways & other:
            continue
        events = scene.events_at(scene.at(node), trace)
        told: Told = {
            "call": trace.text,
            "condition": scene.reading.source(test),
            "values_failing": scene.named(test, scene.values_at(node)),
            "values_passing": scene.named(test, events[0].values) if events else [],
        }
        yield Clue("against_passing", scene.at(node), told)
        return


def outcomes(scene: Scene, node: ast.If | ast.While, trace: Trace) -> set[bool]:
    """Whether the condition was ever true, ever false."""
    asked, taken = trace.counts[scene.at(node)], scene.entered(node, node.body, trace)
    return {way for way, times in ((True, taken), (False, asked - taken)) if times > 0}
