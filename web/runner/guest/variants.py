"""A program with small changes in it that can be switched on one at a time.

All of them are compiled at once. Which one is on tells a name among Python's own, so that it is the
same in each module and function; none is on at 0.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, TypeVar

from .listing import FUNCTIONS, Listing, at_numbers, names_stored, walk

Node = TypeVar("Node", bound=ast.AST)
SWITCH, TICK = "_hl_variant", "_hl_tick"
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


class Variants(ast.NodeTransformer):
    """place[k]: number of the statement that change k is in."""

    def __init__(self, listing: Listing, wanted: set[int], most: int) -> None:
        self.place: list[int] = [0]
        self._wanted, self._most = wanted, most
        self._most_each = most // max(len(wanted), 1)
        self._names: list[str] = []
        self._tree = at_numbers(ast.parse(listing.code))
        self._plain: dict[ast.AST, Any] = dict(
            zip(walk(self._tree), walk(listing.tree), strict=True)
        )

    def compiled(self) -> CodeType:
        self.generic_visit(self._tree)
        return compile(self._tree, "<variants>", "exec")

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, FUNCTIONS):
            return self._function(node)
        if isinstance(node, ast.For | ast.While):
            # A change elsewhere may make any loop endless: the tick stops it after a while.
            self.generic_visit(node)
            node.body.insert(0, _tick())
            return node
        if not isinstance(node, ast.expr | ast.stmt):
            return self.generic_visit(node)
        if not self._open(node):
            # No loop and no function that needs a tick stands within an expression.
            return node if isinstance(node, ast.expr) else self.generic_visit(node)
        if isinstance(node, ast.expr):
            # Made of nodes in which nothing is switched, or each change would hold all others.
            changed = list(self._changed(self._plain[node]))
            self.generic_visit(node)
            return self._switched(node, changed)
        self.generic_visit(node)
        return self._removable(node)

    def _open(self, node: ast.expr | ast.stmt) -> bool:
        # One long statement must not take all the changes.
        full = self.place.count(node.lineno) >= self._most_each or len(self.place) >= self._most
        return node.lineno in self._wanted and not full

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        before = self._names
        arguments = (each.arg for each in node.args.args)
        self._names = list(dict.fromkeys([*arguments, *names_stored(node)]))
        self.generic_visit(node)
        node.body.insert(0, _tick())
        self._names = before
        return node

    def _switched(self, node: ast.expr, changed: list[ast.expr]) -> ast.expr:
        if not changed:
            return node
        # One comparison skips all of them, for nearly every run needs none.
        first = len(self.place)
        tried: ast.expr = changed[-1]
        self.place += [node.lineno] * len(changed)
        for number in range(len(changed) - 2, -1, -1):
            tried = made(ast.IfExp, _is(first + number), changed[number], tried)
        within = made(ast.Compare, 
            made(ast.Constant, first), [ast.LtE(), ast.Lt()],
            [made(ast.Name, SWITCH, ast.Load()), made(ast.Constant, first + len(changed))],
        )  # fmt: skip
        return made(ast.IfExp, within, tried, node)

    def _removable(self, node: ast.stmt) -> ast.AST:
        simple = ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Break | ast.Continue
        if not isinstance(node, simple):
            return node
        tried: list[ast.stmt] = [node]
        for other in [made(ast.Pass), *self._other_writes(node)]:
            self.place.append(node.lineno)
            tried = [made(ast.If, _is(len(self.place) - 1), [other], tried)]
        return tried[0]

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
                # In the value itself names may be switched by now.
                if isinstance(plain := self._plain[node].value, ast.Name):
                    turned = made(ast.Name, plain.id, ast.Store())
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


def _is(number: int) -> ast.expr:
    return made(
        ast.Compare, made(ast.Name, SWITCH, ast.Load()), [ast.Eq()], [made(ast.Constant, number)]
    )


def _tick() -> ast.stmt:
    return made(ast.Expr, made(ast.Call, made(ast.Name, TICK, ast.Load()), [], []))


def switch(number: int, tick: object) -> None:
    setattr(builtins, SWITCH, number)
    setattr(builtins, TICK, tick)


def unswitch() -> None:
    for name in (SWITCH, TICK):
        vars(builtins).pop(name, None)
