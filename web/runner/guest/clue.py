"""One thing that is true of a run, before it is ranked; and the scene in which it is looked for."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from .listing import FUNCTIONS, Listing, begins, names_in
from .trace import Moment, Trace, Values

Told = dict[str, "str | int | list[str]"]


OWN = re.compile(r"[^\W\d]\w*\(")
"""How a value of a class of the program's is shown."""


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
    """The case that fails, beside those that pass, and how the program reads.

    right_alone: whether the case passes where no other was played before it.
    """

    def __init__(
        self,
        listing: Listing,
        failing: Trace,
        passing: list[Trace],
        *,
        right_alone: bool = False,
    ) -> None:
        self.listing, self.failing, self.passing = listing, failing, passing
        self.right_alone = right_alone
        self.nodes = list(listing.number)
        self.functions = {node.name for node in self.nodes if isinstance(node, FUNCTIONS)}
        self.methods = {
            part.name for node in self.nodes if isinstance(node, ast.ClassDef)
            for part in node.body if isinstance(part, FUNCTIONS)
        }  # fmt: skip
        self.called = {
            node.func.id for node in self.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }  # fmt: skip
        self.kept_on_self = {
            node.attr for node in self.nodes
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if isinstance(node.value, ast.Name) and node.value.id == "self"
        }  # fmt: skip
        self._moments: dict[int, list[Moment]] = {}
        for moment in (*failing.events, *failing.last):
            if not moment.ends:
                self._moments.setdefault(moment.at, []).append(moment)

    @property
    def never_began(self) -> bool:
        """Whether the tests stopped before a statement of the program ran for them."""
        return self.failing.error is not None and not self.failing.error_at

    def at(self, node: ast.AST) -> int:
        """The number of its statement; 0 for what stands in none."""
        # The parser's shared nodes stand in no statement.
        return self.listing.number.get(node, 0)

    def ran(self, node: ast.AST) -> int:
        """How often the node's statement ran in the failing case."""
        return self.failing.counts[self.at(node)]

    def entered(self, node: ast.stmt, body: list[ast.stmt], trace: Trace) -> int:
        """How often the body came right after the statement that it belongs to."""
        return trace.moves[self.at(node), self.at(begins(body))]

    def events_at(self, number: int) -> list[Moment]:
        """When the statement ran in the failing case, as far as it was kept."""
        return self._moments.get(number, [])

    def passages(self, first: int, then: int) -> list[tuple[Moment, Moment]]:
        """Each time that one statement came right after the other in a call: both moments."""
        found = []
        before: dict[int, Moment] = {}
        for moment in self.failing.events:
            last = before.get(moment.call)
            if last and (last.at, moment.at, moment.ends) == (first, then, False):
                found.append((last, moment))
            before[moment.call] = moment
        return found

    def named(self, node: ast.AST, values: Values) -> list[str]:
        """`cups = 1` for each name that the node reads."""
        return [f"{name} = {values[name]}" for name in names_in(node) if name in values][:6]

    def is_builtin(self, node: ast.expr, method: str) -> bool:
        """Whether its value's class comes with Python, by its text and the method asked of it."""
        if not isinstance(node, ast.Name):
            return method not in self.methods
        shown = self.values_at(node, last=True).get(node.id, "")
        return not (shown.startswith("<") or OWN.match(shown))

    def values_at(self, node: ast.AST, *, last: bool = False) -> Values:
        """What names held when the statement of the node ran first, or last."""
        events = self.events_at(self.at(node))
        return events[-1 if last else 0].values if events else {}
