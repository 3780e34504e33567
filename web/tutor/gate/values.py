"""Values in code spans: what a student may be asked about, though it stands nowhere before."""

from __future__ import annotations

import ast

from web.tutor.gate.lexis import tokens
from web.tutor.gate.seen import BUILTINS, KEYWORDS, LOOKING, Seen
from web.tutor.parsing import expression_of

LONGEST = 200
LETTERS = 3
"""A word so short, and of no meaning in Python, is a text without its quotes: `aab`."""
METHODS = frozenset(
    name.casefold() for kind in (str, list, dict, set, tuple, int, float) for name in dir(kind)
)
MEANT = KEYWORDS | BUILTINS | METHODS
"""Words of some meaning in Python."""
COMPOSED = (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Call)
PARTS = (
    *COMPOSED, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Load,
    ast.Subscript, ast.Slice,
    ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
)  # fmt: skip
SIGNS = frozenset("+-*/%<>&|^") | {"//", "**", "==", "!=", "<=", ">=", "<<", ">>", "in", "not"}


def expression(span: str) -> ast.expr | None:
    """The span's tree; None where it is no expression of Python."""
    return expression_of(span.strip()) if len(span) <= LONGEST else None


def is_value(tree: ast.expr | None, span: str, seen: Seen) -> bool:
    """Whether it is values alone, by operators that the student has, or a call with them.

    Only what the student's program has is called, or taken of a value; and a value may be looked
    for in what a name of it holds. span: what the tree is of.
    """
    if tree is None:
        return False
    known = seen.names | seen.functions | LOOKING
    # A name that is not called is part of a program, whoever has chosen it.
    stand = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    stand |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if isinstance(tree, ast.Compare) and isinstance(tree.ops[0], ast.In):
        stand.add(id(tree.comparators[0]))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if id(node) in stand and name.casefold() in known:
                continue
            case ast.Attribute(attr=name) if name.casefold() in known:
                continue
            case _ if not isinstance(node, PARTS):
                return False
    # Who has written `+=` knows `+`.
    written = seen.tokens | {part[:-1] for part in seen.tokens if part[-1:] == "="}
    return SIGNS.intersection(tokens(span)) <= written | {"-"}


def is_example(tree: ast.expr | None) -> bool:
    """Whether it is a list, a text or a call, whose numbers are no part of a program."""
    text = isinstance(tree, ast.Constant) and isinstance(tree.value, str)
    return text or isinstance(tree, COMPOSED)


def is_text(parts: list[str]) -> bool:
    """Whether one word is a text that lacks its quotes."""
    return len(parts) == 1 and len(parts[0]) <= LETTERS and parts[0] not in MEANT
