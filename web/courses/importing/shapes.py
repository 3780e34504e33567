"""What a value in a file must be: a table of keys, a list of tables, a text, a number, a flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing.remarks import Reason

MISSING = _("%(key)s: missing")
UNKNOWN = _("%(key)s: unknown key")
NO_TABLE = _("%(key)s: must be a table")
NO_TABLES = _("%(key)s: must be a list of tables that is not empty")
NO_TEXT = _("%(key)s: must be text that is not empty")
NO_NUMBER = _("%(key)s: must be a number")
NO_FLAG = _("%(key)s: must be true or false")


class Misshapen(Exception):
    """A value has another shape. key: its keys from the file's root, `hints.1.ko`."""

    def __init__(self, key: str, reason: Reason) -> None:
        super().__init__(key)
        self.key, self.reason = key, reason


Leaf = Callable[[object, str], Any]
"""Of a value and its key: what it becomes. Raises: Misshapen."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A table. needed: its keys must be there; may: these need not, and then they are not in what
    is read, unless usual has them."""

    needed: Mapping[str, Shape]
    may: Mapping[str, Shape]
    usual: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of such tables."""

    each: Keys


Shape = Leaf | Keys | Listed


def keys(needed: Mapping[str, Shape], may: Mapping[str, Shape] | None = None, **usual: Any) -> Keys:
    return Keys(needed, may or {}, usual)


def shaped(value: object, shape: Shape, key: str = "") -> Any:
    """The value in this shape. Raises: Misshapen for the first key that has another one."""
    if isinstance(shape, Listed):
        if not isinstance(value, list) or not value:
            raise Misshapen(key, NO_TABLES)
        return [shaped(each, shape.each, f"{key}[{n}]") for n, each in enumerate(value, start=1)]
    if not isinstance(shape, Keys):
        return shape(value, key)
    if not isinstance(value, dict):
        raise Misshapen(key, NO_TABLE)
    found = dict(shape.usual)
    for name, below in {**shape.needed, **shape.may}.items():
        path = f"{key}.{name}" if key else name
        if name in value:
            found[name] = shaped(value[name], below, path)
        elif name in shape.needed:
            raise Misshapen(path, MISSING)
    # Last, so that a misspelt key is told as the one that is missing.
    known = shape.needed.keys() | shape.may.keys()
    for name in value:
        if name not in known:
            raise Misshapen(f"{key}.{name}" if key else name, UNKNOWN)
    return found


def text(value: object, key: str) -> str:
    """As it stands. An empty one is none."""
    if not isinstance(value, str) or not value.strip():
        raise Misshapen(key, NO_TEXT)
    return value


def any_text(value: object, key: str) -> str:
    """As it stands, and it may be empty."""
    if not isinstance(value, str):
        raise Misshapen(key, NO_TEXT)
    return value


def line(value: object, key: str) -> str:
    """Without line breaks: a wrapped paragraph becomes one line."""
    return " ".join(text(value, key).split())


def block(value: object, key: str) -> str:
    """With its line breaks, but without blank lines around it."""
    return text(value, key).strip("\n")


def number(value: object, key: str) -> float:
    # To Python, True is a number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misshapen(key, NO_NUMBER)
    # TOML's whole numbers have no end.
    try:
        return float(value)
    except OverflowError:
        raise Misshapen(key, NO_NUMBER) from None


def whole(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misshapen(key, NO_NUMBER)
    return value


def flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise Misshapen(key, NO_FLAG)
    return value
