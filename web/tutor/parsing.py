"""A program as Python reads it: its tree and its tokens, or nothing where Python cannot read it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from threading import Lock
from typing import Any, Literal

# What Python warns of would name lines of the program in our log, and only one thread at a time
# may silence warnings.
_silence = Lock()


def tree_of(program: str) -> ast.Module | None:
    found: ast.Module | None = _parsed(program, "exec")
    return found


def expression_of(text: str) -> ast.expr | None:
    found: ast.Expression | None = _parsed(text, "eval")
    return found.body if found else None


def is_literal(value: ast.expr | str) -> bool:
    """Whether it is a value as Python writes it, without a name or a call in it."""
    try:
        ast.literal_eval(value)
    # As deep brackets are, and a set in a set.
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def lexemes_of(program: str) -> list[tokenize.TokenInfo] | None:
    try:
        return list(tokenize.generate_tokens(io.StringIO(program).readline))
    except (tokenize.TokenError, SyntaxError):
        return None


def _parsed(text: str, mode: Literal["exec", "eval"]) -> Any:
    try:
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
