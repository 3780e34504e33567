"""Whole-number expressions worked out from shown values: nothing of the student's runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .trace import Values

LARGEST = 10**9


def worked_out(node: ast.expr, values: Values, sizes: Mapping[str, int]) -> int | None:
    """What the expression is, if it is made of ints, their names, + - * // % and len(name)."""
    match node:
        case ast.Constant(int(number)) if not isinstance(number, bool):
            return number
        case ast.Name(name):
            # Values are kept as text; only a whole number reads back as one.
            text = values.get(name, "")
            return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdigit() else None
        case ast.UnaryOp(ast.USub(), operand):
            inner = worked_out(operand, values, sizes)
            return None if inner is None else -inner
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            return sizes.get(name)
        case ast.BinOp(left, operator, right):
            first, second = worked_out(left, values, sizes), worked_out(right, values, sizes)
            # Larger ones are no index, and their products cost time.
            if first is None or second is None or max(abs(first), abs(second)) > LARGEST:
                return None
            return _combined(operator, first, second)
    return None


def _combined(operator: ast.operator, first: int, second: int) -> int | None:
    match operator:
        case ast.Add():
            return first + second
        case ast.Sub():
            return first - second
        case ast.Mult():
            return first * second
        case ast.FloorDiv() if second:
            return first // second
        case ast.Mod() if second:
            return first % second
    return None
