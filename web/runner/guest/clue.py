"""One thing that is true of a run, before it is ranked; and the scene in which it is looked for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .reading import Reading, names_in
from .trace import Event, Trace, Values

Told = dict[str, "str | int | list[str]"]


@dataclass(eq=False)
class Clue:
    """at: the statement's number; weight: added to the score of its kind; also: other lines."""

    kind: str
    at: int
    values: Told = field(default_factory=dict)
    weight: float = 0.0
    also: tuple[int, ...] = ()
    score: float = 0.0


class Scene:
    """The case that fails, beside those that pass, and how the program reads."""

    def __init__(self, reading: Reading, failing: Trace, passing: list[Trace]) -> None:
        self.reading, self.failing, self.passing = reading, failing, passing
        self.nodes = list(reading.number)

    def at(self, node: ast.AST) -> int:
        """The number of its statement; 0 for what stands in none."""
        return self.reading.number.get(node, 0)

    def ran(self, node: ast.AST) -> int:
        """How often the node's statement ran in the failing case."""
        return self.failing.counts[self.at(node)]

    def entered(self, node: ast.stmt, body: list[ast.stmt], trace: Trace) -> int:
        """How often the body came right after the statement that it belongs to."""
        return trace.moves[self.at(node), self.at(body[0])]

    def events_at(self, number: int, trace: Trace | None = None) -> list[Event]:
        trace = trace or self.failing
        return [
            event for event in (*trace.events, *trace.last)
            if event.at == number and not event.ends
        ]  # fmt: skip

    def named(self, node: ast.AST, values: Values) -> list[str]:
        """`cups = 1` for each name that the node reads."""
        return [f"{name} = {values[name]}" for name in names_in(node) if name in values][:6]

    def values_at(self, node: ast.AST, *, last: bool = False) -> Values:
        """What names held when the statement of the node ran first, or last."""
        events = self.events_at(self.at(node))
        return events[-1 if last else 0].values if events else {}
