"""One thing that is true of a run, before it is ranked; and what is looked at to find it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .reading import Reading, names_in
from .trace import Event, Trace, Values
import ast

Told = dict[str, "str | int | list[str]"]


@dataclass
class Clue:
    """at: the statement's number; weight: added to the score of its kind."""

    kind: str
    at: int
    values: Told = field(default_factory=dict)
    weight: float = 0.0
    also: tuple[int, ...] = ()


class Scene:
    """The case that fails, beside those that pass."""

    def __init__(self, reading: Reading, failing: Trace, passing: list[Trace]) -> None:
        self.reading, self.failing, self.passing = reading, failing, passing

    def ran(self, node: ast.AST) -> bool:
        return self.failing.counts[self.reading.number[node]] > 0

    def at(self, node: ast.AST) -> int:
        return self.reading.number[node]

    def values_at(self, number: int, trace: Trace | None = None, *, last: bool = False) -> Values:
        """What names held when the statement ran first, or last."""
        trace = trace or self.failing
        events = [*trace.events, *trace.last]
        found: Event | None = None
        for event in reversed(events) if last else events:
            if event.at == number and not event.ends:
                found = event
                break
        return found.values if found else {}

    def named(self, node: ast.AST, values: Values) -> list[str]:
        """`cups = 1` for each name that the node reads."""
        return [f"{name} = {values[name]}" for name in names_in(node) if name in values][:6]
