"""A student's program as it reads: its statements by number, their lines, their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache, lru_cache
from types import CodeType
from typing import TypeVar

from .show import cut

Node = TypeVar("Node", bound=ast.AST)
of_tree = lru_cache(maxsize=8192)
"""Each look at a program goes through its tree anew. What is kept must not be changed."""
STUDENT = "<student's program>"
"""File name of the compiled program, by which its frames are known."""
LOOPS = (ast.For, ast.AsyncFor, ast.While)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NO_NODES = {
    "ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "level", "module", "is_async",
    "simple", "conversion",
}  # fmt: skip
"""Fields that hold texts and numbers, or nodes that the parser makes once and that stand in no one
statement: contexts and operators."""
SOURCE_CHARS = 100
MOST_ROWS = 10


class Listing:
    """A program whose every statement has a number, from 1, in the order of the text.

    Raises: SyntaxError, ValueError, RecursionError, MemoryError as Python does for the code.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.tree = ast.parse(code)
        self.statements: list[ast.stmt] = [ast.Pass()]
        """By number; none has 0."""
        self.number: dict[ast.AST, int] = {}
        """Of the statement in which a node stands; 0 for what stands in none."""
        self.parent: dict[ast.AST, ast.AST] = {}
        # Columns of nodes count bytes of UTF-8.
        self._rows = [row.encode("utf-8", "replace") for row in code.split("\n")]
        for node, number in numbered(self.tree):
            self.number[node] = number
            if isinstance(node, ast.stmt):
                self.statements.append(node)
            for child in children(node):
                self.parent[child] = node

    def compiled(self) -> CodeType:
        """The program whose lines are its statements' numbers.

        So a trace tells `if x: return y` apart from what it returns, and a statement over five
        lines is one step.
        """
        return compile(at_numbers(ast.parse(self.code)), STUDENT, "exec")

    def source(self, node: ast.AST, most: int = SOURCE_CHARS) -> str:
        """The node as the student wrote it, on one line, cut with `…`."""
        first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        if first == last:
            found = [self._rows[first][start:end]]
        else:
            middle = self._rows[first + 1 : min(last, first + MOST_ROWS)]
            found = [self._rows[first][start:], *middle, self._rows[last][:end]]
        return cut(" ".join(b" ".join(found).decode("utf-8", "replace").split()), most)

    def line(self, number: int) -> int:
        return self.statements[number].lineno if 0 < number < len(self.statements) else 1

    def within(self, node: ast.AST, kinds: type | tuple[type, ...]) -> ast.AST | None:
        """The nearest node of these kinds around it."""
        above = self.parent.get(node)
        while above is not None and not isinstance(above, kinds):
            above = self.parent.get(above)
        return above


@cache
def holding(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in NO_NODES)


@of_tree
def children(node: ast.AST) -> list[ast.AST]:
    """As ast.iter_child_nodes gives them, without those that are shared."""
    found: list[ast.AST] = []
    for name in holding(type(node)):  # type: ignore[arg-type]  # typeshed gives nodes no hash
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found


@of_tree
def walk(node: ast.AST) -> list[ast.AST]:
    """As ast.walk, without the nodes that are shared."""
    found = [node]
    # It grows while it is gone through.
    for each in found:
        found += children(each)
    return found


def numbered(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Every node, before what it holds, with the number of its statement."""
    count = 0
    rest = [(tree, 0)]
    while rest:
        node, number = rest.pop()
        if isinstance(node, ast.stmt):
            count += 1
            number = count
        yield node, number
        rest += [(child, number) for child in reversed(children(node))]


def at_numbers(tree: ast.Module) -> ast.Module:
    """The tree with its statements' numbers in the place of lines; no handler catches our ends."""
    for node, number in numbered(tree):
        if hasattr(node, "lineno"):
            # A column that ends before it begins on the same line would be refused.
            node.lineno = node.end_lineno = number  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
        # What stops a program that never ends must get past its own handlers.
        if isinstance(node, ast.ExceptHandler) and catches_all(node):
            name = ast.Name("Exception", ast.Load(), lineno=number, col_offset=0)
            node.type = ast.copy_location(name, node)
    return tree


def catches_all(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case None | ast.Name("BaseException"):
            return True
    return False


def copied(node: Node) -> Node:
    """Another node with the same parts."""
    # Several times as fast as copy.copy.
    copy = type(node).__new__(type(node))
    vars(copy).update(vars(node))
    return copy


def begins(body: list[ast.stmt]) -> ast.stmt:
    """The first statement of a body that Python runs: of some there is nothing to be run."""
    for statement in body:
        match statement:
            case ast.Global() | ast.Nonlocal() | ast.Expr(ast.Constant()):
                continue
        return statement
    return body[0]


def head(statement: ast.AST) -> ast.AST:
    """What of a statement runs at its own line: of a loop or `if` not the body."""
    match statement:
        case ast.If(test=test) | ast.While(test=test):
            return test
        case ast.For(iter=each) | ast.AsyncFor(iter=each):
            return each
        case ast.With(items=[item, *_]):
            return item
        case ast.FunctionDef() | ast.ClassDef() | ast.Try():
            return ast.Pass()
    return statement


@of_tree
def names_stored(node: ast.AST) -> list[str]:
    """Names that it gives a value, each once; the outer ones first."""
    return list(dict.fromkeys(
        each.id for each in walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ))  # fmt: skip


@of_tree
def names_in(node: ast.AST) -> list[str]:
    """Names that it reads, each once, in their order."""
    return list(dict.fromkeys(
        each.id for each, _ in numbered(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    ))  # fmt: skip
