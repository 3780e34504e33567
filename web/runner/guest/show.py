"""A value of a student's program as short text, at a cost that does not grow with the value."""

from __future__ import annotations

import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import islice

MOST_ITEMS = 12
DEPTH = 3
LONGEST_BITS = 400
"""An int of more bits is told by its count of digits: to write it would cost their square."""
PLAIN = (bool, float, complex, type(None), type(Ellipsis), type(NotImplemented))
SEQUENCES: dict[type, str] = {
    list: "[]", tuple: "()", set: "{}", frozenset: "{}", deque: "[]",
}  # fmt: skip
MAPPINGS = (dict, defaultdict, OrderedDict, Counter)
OF_NO_INTEREST = (
    types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodType, type,
    types.GenericAlias,
)  # fmt: skip
"""What a name may hold that tells nothing of a run."""


def show(value: object, most: int = 120) -> str:
    """The value as Python writes it, cut with `…`; of the student's own classes nothing runs."""
    return cut(_shown(value, DEPTH, most), most)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def type_name(value: object) -> str:
    """The class's name: read past a metaclass, which may be the student's."""
    return str(type.__dict__["__name__"].__get__(type(value)))


def _shown(value: object, depth: int, most: int) -> str:
    kind = type(value)
    if type(kind) is not type:
        # A metaclass may answer for its classes, also where they are looked up in a table.
        return _object(value, depth, most)
    if kind is int:
        return _number(value)  # type: ignore[arg-type]
    if kind is str or kind is bytes:
        text = repr(value[:most])  # type: ignore[index]
        return text if len(value) <= most else text[:-1] + "…"  # type: ignore[arg-type]
    if kind in PLAIN or kind in (range, Decimal, Fraction):
        return repr(value) if kind is not range or _short_range(value) else "range(…)"
    if kind in SEQUENCES:
        return _sequence(value, SEQUENCES[kind], depth, most)  # type: ignore[arg-type]
    if kind in MAPPINGS:
        held: dict[object, object] = value  # type: ignore[assignment]
        pairs = islice(dict.items(held), MOST_ITEMS)
        inner = [
            f"{_shown(key, depth - 1, most)}: {_shown(each, depth - 1, most)}"
            for key, each in (pairs if depth else ())
        ]
        return "{" + _joined(inner, dict.__len__(held)) + "}"
    # Not isinstance, which asks the value's own `__class__`.
    if issubclass(kind, OF_NO_INTEREST):
        name = "" if issubclass(kind, type) else str(getattr(value, "__name__", ""))
        return f"<function {name}>" if name else "…"
    return _object(value, depth, most)


def _sequence(value: Iterable[object], brackets: str, depth: int, most: int) -> str:
    # Of exactly these classes neither is the student's.
    length = len(value)  # type: ignore[arg-type]
    items = _items(value, depth, most)
    if not length and brackets == "{}":
        return f"{type_name(value)}()"
    comma = "," if brackets == "()" and length == 1 else ""
    return f"{brackets[0]}{_joined(items, length)}{comma}{brackets[1]}"


def _items(value: Iterable[object], depth: int, most: int) -> list[str]:
    items, chars = [], 0
    for each in islice(value, MOST_ITEMS if depth else 0):
        items.append(_shown(each, depth - 1, most))
        chars += len(items[-1])
        # No more is shown than fits, however much there is.
        if chars > most:
            break
    return items


def _joined(items: list[str], length: int) -> str:
    return ", ".join(items + ["…"] * (length > len(items)))


def _number(value: int) -> str:
    bits = value.bit_length()
    return str(value) if bits <= LONGEST_BITS else f"({int(bits * 0.30103) + 1:,} digits)"


def _short_range(value: object) -> bool:
    parts = (value.start, value.stop, value.step)  # type: ignore[attr-defined]
    return all(type(part) is int and part.bit_length() <= LONGEST_BITS for part in parts)


def _object(value: object, depth: int, most: int) -> str:
    """`Point(x=1, y=2)`: an object's own fields, where its class lets them be read as they are."""
    name = type_name(value)
    for owner in type.__dict__["__mro__"].__get__(type(value)):
        fields = type.__dict__["__dict__"].__get__(owner).get("__dict__")
        if fields is not None:
            break
    else:
        return f"<{name}>"
    # A class may put a property of its own in the place of `__dict__`.
    if not isinstance(fields, types.GetSetDescriptorType) or not depth:
        return f"<{name}>"
    held = fields.__get__(value)
    if type(held) is not dict or not held:
        return f"<{name}>"
    inner = [f"{key}={_shown(each, depth - 1, most)}" for key, each in islice(held.items(), 6)]
    return f"{name}({_joined(inner, len(held))})"
