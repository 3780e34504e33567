"""A program with small changes in it that can be switched on one at a time.

All of them are compiled at once. Whether one is on tells a name among Python's own, so that it is
the same in each module and function.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import CodeType
from typing import Any

from .listing import FUNCTIONS, Listing, Node, copied, holding, names_stored

SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Break, ast.Continue)
SWITCH, TICK = "_hl_variant_", "_hl_tick"
LARGEST, LONGEST = 10**9, 100
"""Numbers and texts from here on stay as they are."""
MOST_OTHERS = 6
"""Other names that are tried in the place of one."""
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq, ast.Lt, ast.Gt), ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
COMBINED: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add, ast.Mod, ast.FloorDiv),
    ast.Mult: (ast.FloorDiv, ast.Add),
    ast.Div: (ast.FloorDiv,), ast.FloorDiv: (ast.Mod, ast.Div), ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.Pow: (ast.Mult,),
}  # fmt: skip
"""Never to `**`, nor from a sum to a product: what grows so in a loop would not end."""
TWINS = {
    "min": "max", "max": "min", "any": "all", "all": "any", "upper": "lower", "lower": "upper",
    "isupper": "islower", "islower": "isupper", "append": "extend", "extend": "append",
    "startswith": "endswith", "endswith": "startswith", "lstrip": "rstrip", "rstrip": "lstrip",
    "floor": "ceil", "ceil": "floor", "keys": "values", "values": "keys", "find": "rfind",
    "rfind": "find", "ljust": "rjust", "rjust": "ljust", "isalpha": "isdigit",
}  # fmt: skip


class Variants:
    """place[k]: number of the statement that change k is in.

    The listing's own nodes are never changed: they stand in each change of what is around them, or
    every change would hold all others.
    """

    def __init__(self, listing: Listing, wanted: set[int], most: int) -> None:
        self.place: list[int] = [0]
        self._listing, self._wanted, self._most = listing, wanted, most
        self._most_each = most // max(len(wanted), 1)
        self._names: list[str] = []

    def compiled(self) -> CodeType:
        return compile(self._rebuilt(self._listing.tree), "<variants>", "exec")

    def _copied(self, node: ast.AST) -> ast.AST:
        """A copy around whatever can be switched in it; the node itself where nothing can."""
        if isinstance(node, FUNCTIONS):
            return self._function(node)
        if isinstance(node, ast.pattern):
            # It may hold nothing but names and literals.
            return node
        if isinstance(node, ast.expr):
            # No loop and no function that needs a tick stands within an expression.
            return self._expression(node) if self._open(node) else node
        if isinstance(node, ast.For | ast.While):
            # A change elsewhere may make any loop endless: the tick stops it after a while.
            return ticking(self._rebuilt(node))
        if isinstance(node, SIMPLE) and self._open(node):
            return self._removable(node)
        return self._rebuilt(node)

    def _rebuilt(self, node: Node) -> Node:
        copy = copied(node)
        for name in holding(type(node)):  # type: ignore[arg-type]  # typeshed gives nodes no hash
            value = getattr(node, name)
            if isinstance(value, ast.AST):
                setattr(copy, name, self._copied(value))
            elif isinstance(value, list):
                setattr(
                    copy,
                    name,
                    [self._copied(each) if isinstance(each, ast.AST) else each for each in value],
                )
        return copy

    def _open(self, node: ast.expr | ast.stmt) -> bool:
        return self._listing.number[node] in self._wanted and self._room(node) > 0

    def _room(self, node: ast.expr | ast.stmt) -> int:
        """So many changes more may be made of it."""
        # One long statement must not take all the changes.
        each = self._most_each - self.place.count(self._listing.number[node])
        return max(0, min(each, self._most + 1 - len(self.place)))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        before = self._names
        arguments = (each.arg for each in node.args.args)
        self._names = list(dict.fromkeys([*arguments, *names_stored(node)]))
        function = ticking(self._rebuilt(node))
        self._names = before
        return function

    def _expression(self, node: ast.expr) -> ast.expr:
        changed = list(islice(self._changed(node), self._room(node)))
        # Before those of its parts, for which no room may be left.
        switches = [self._switch(node) for _ in changed]
        tried = self._rebuilt(node)
        for switch, each in zip(switches, changed, strict=True):
            tried = made(ast.IfExp, switch, each, tried)
        return tried

    def _removable(self, node: ast.stmt) -> ast.stmt:
        tried = self._rebuilt(node)
        others = [made(ast.Pass), *self._other_writes(node)]
        for other in others[: self._room(node)]:
            tried = made(ast.If, self._switch(node), [other], [tried])
        return tried

    def _switch(self, node: ast.expr | ast.stmt) -> ast.expr:
        """Whether one more change is on, which is in the node's statement."""
        self.place.append(self._listing.number[node])
        return made(ast.Name, name_of(len(self.place) - 1), ast.Load())

    def _other_writes(self, node: ast.stmt) -> Iterator[ast.stmt]:
        match node:
            case ast.AugAssign(target, operator, value):
                for sort in COMBINED.get(type(operator), ()):
                    yield made(ast.AugAssign, target, sort(), value)
                yield made(ast.Assign, [target], value)
                if isinstance(target, ast.Name):
                    for other in self._names[:MOST_OTHERS]:
                        yield made(
                            ast.AugAssign, made(ast.Name, other, ast.Store()), operator, value
                        )
            case ast.Assign([ast.Name(name, context)], value):
                yield made(ast.AugAssign, made(ast.Name, name, context), ast.Add(), value)
                if isinstance(value, ast.Name):
                    turned = made(ast.Name, value.id, ast.Store())
                    yield made(ast.Assign, [turned], made(ast.Name, name, ast.Load()))

    def _changed(self, node: ast.expr) -> Iterator[ast.expr]:
        """Each a copy with one change, of a node nothing in which is switched."""
        match node:
            case ast.Constant():
                yield from _other_constants(node.value)
            case ast.Compare(ops=[_]) | ast.BoolOp() | ast.UnaryOp() | ast.IfExp():
                yield from _other_conditions(node)
            case ast.BinOp():
                yield from _other_sums(node)
            case ast.Subscript(value, index, ast.Load()):
                yield from _other_places(value, index)
            case ast.Call():
                yield from _other_calls(node)
            case ast.List([first, second], ast.Load()) | ast.Tuple([first, second], ast.Load()):
                yield made(type(node), [second, first], ast.Load())
            case ast.Name(name, ast.Load()) if name in self._names:
                at = self._names.index(name)
                # Those that were made next come first: they are likelier mixed up.
                near = [*self._names[at + 1 :], *self._names[:at]][:MOST_OTHERS]
                yield from (made(ast.Name, other, ast.Load()) for other in near)


def _other_constants(value: object) -> Iterator[ast.expr]:
    match value:
        case bool():
            yield made(ast.Constant, not value)
        case int() if abs(value) < LARGEST:
            yield from (made(ast.Constant, value + step) for step in (1, -1, 2))
        case str() if value and len(value) < LONGEST:
            others = {value.lower(), value.upper(), value.capitalize(), value.strip()}
            yield from (made(ast.Constant, other) for other in sorted(others - {value}))


def _other_conditions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, [operator], [right]):
            for other in COMPARED.get(type(operator), ()):
                yield made(ast.Compare, left, [other()], [right])
            if isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq):
                for step in (1, -1):
                    yield made(ast.Compare, left, [operator], [_more(right, step)])
                if not isinstance(right, ast.Constant):
                    # As long as anything is left, and not only a whole portion.
                    yield made(ast.Compare, left, [ast.Gt()], [made(ast.Constant, 0)])
        case ast.BoolOp(joined, values):
            yield made(ast.BoolOp, ast.Or() if isinstance(joined, ast.And) else ast.And(), values)
            yield from values if len(values) == 2 else ()
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield made(ast.IfExp, test, orelse, body)


def _other_sums(node: ast.BinOp) -> Iterator[ast.expr]:
    for sort in COMBINED.get(type(node.op), ()):
        yield made(ast.BinOp, node.left, sort(), node.right)
    yield from (node.left, node.right, made(ast.BinOp, node.right, node.op, node.left))
    if isinstance(node.op, ast.Sub):
        yield made(ast.Call, made(ast.Name, "abs", ast.Load()), [node], [])


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    match node.func:
        case ast.Name(name) if name in TWINS:
            yield made(ast.Call, made(ast.Name, TWINS[name], ast.Load()), node.args, node.keywords)
        case ast.Attribute(value, name):
            if name in TWINS:
                func = made(ast.Attribute, value, TWINS[name], ast.Load())
                yield made(ast.Call, func, node.args, node.keywords)
            yield value
        case ast.Name("range"):
            yield from _other_ranges(node)
        case ast.Name("sorted") if not any(each.arg == "reverse" for each in node.keywords):
            turned = made(ast.keyword, "reverse", made(ast.Constant, True))
            yield made(ast.Call, node.func, node.args, [*node.keywords, turned])
    if any(isinstance(each, ast.Starred) for each in node.args):
        return
    if len(node.args) == 1:
        yield node.args[0]
    if len(node.args) == 2:
        yield made(ast.Call, node.func, node.args[::-1], node.keywords)


def _other_ranges(node: ast.Call) -> Iterator[ast.expr]:
    for place in range(min(len(node.args), 2)):
        for step in (1, -1):
            args = list(node.args)
            args[place] = _more(args[place], step)
            yield made(ast.Call, node.func, args, [])


def _other_places(value: ast.expr, index: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(index, ast.Slice):
        for step in (1, -1):
            yield made(ast.Subscript, value, _more(index, step), ast.Load())
        return
    for lower, upper in (
        (_more(index.lower or made(ast.Constant, 0), 1), index.upper),
        (index.lower and _more(index.lower, -1), index.upper),
        (index.lower, _more(index.upper, 1) if index.upper else made(ast.Constant, -1)),
        (index.lower, _more(index.upper, -1) if index.upper else made(ast.Constant, -2)),
    ):
        yield made(ast.Subscript, value, made(ast.Slice, lower, upper, index.step), ast.Load())


def made(kind: Callable[..., Node], *parts: Any, **named: Any) -> Node:
    """A node that stands anywhere: the compiler wants to know where."""
    return kind(*parts, lineno=1, col_offset=0, **named)


def _more(node: ast.expr, step: int) -> ast.expr:
    return made(ast.BinOp, node, ast.Add(), made(ast.Constant, step))


def ticking(node: Node) -> Node:
    """A loop or function whose every round or call is a tick."""
    tick = made(ast.Expr, made(ast.Call, made(ast.Name, TICK, ast.Load()), [], []))
    node.body = [tick, *node.body]  # type: ignore[attr-defined]
    return node


def name_of(number: int) -> str:
    return f"{SWITCH}{number}"


@contextmanager
def switches(count: int, tick: Callable[[], None]) -> Iterator[Callable[[int], None]]:
    """Switches on one of the changes below the count. tick: called in each round and call."""
    names = dict.fromkeys(map(name_of, range(count)), False) | {TICK: tick}
    vars(builtins).update(names)
    on = name_of(0)

    def switch(number: int) -> None:
        nonlocal on
        setattr(builtins, on, False)
        on = name_of(number)
        setattr(builtins, on, True)

    try:
        yield switch
    finally:
        for name in names:
            vars(builtins).pop(name, None)
