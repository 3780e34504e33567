"""A program as Python reads it: its tree and its tokens, or nothing where Python cannot read it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from contextlib import suppress
from threading import Lock
from typing import Any, Literal

# What Python warns of would name lines of the program in our log, and only one thread at a time
# may silence warnings.
_silence = Lock()
TRIES = 3
Mode = Literal["exec", "eval"]


def tree_of(program: str) -> ast.Module | None:
    found: ast.Module | None = _parsed(program, "exec")
    return found


def expression_of(text: str) -> ast.expr | None:
    found: ast.Expression | None = _parsed(text, "eval")
    return found.body if found else None


def value_of(text: str) -> Any:
    """The value that a literal stands for. Raises: as ast.literal_eval."""
    return ast.literal_eval(read(text.lstrip(" \t"), "eval"))


def is_literal(value: ast.expr | str) -> bool:
    """Whether it is a value as Python writes it, without a name or a call in it."""
    try:
        value_of(value) if isinstance(value, str) else ast.literal_eval(value)
    # As deep brackets are, and a set in a set.
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def lexemes_of(program: str) -> list[tokenize.TokenInfo] | None:
    try:
        return list(tokenize.generate_tokens(io.StringIO(program).readline))
    except (tokenize.TokenError, SyntaxError):
        return None


def read(text: str, mode: Mode = "exec") -> Any:
    """The tree of ast.parse. Raises: as ast.parse.

    In CPython 3.11 a parse fails if another one comes within it, as while garbage is collected: all
    of them count their depth in one place (https://github.com/python/cpython/issues/106905).
    """
    for _ in range(TRIES - 1):
        with suppress(SystemError):
            return ast.parse(text, mode=mode)
    return ast.parse(text, mode=mode)


def _parsed(text: str, mode: Mode) -> Any:
    try:
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(text, mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
