"""Text that every database keeps: PostgreSQL takes no NUL, UTF-8 has no halves of characters."""

from __future__ import annotations

import re
from typing import Any

NUL, NUL_SHOWN = "\0", "␀"
HALF, HALF_SHOWN = re.compile("[\ud800-\udfff]"), "\ufffd"
"""A surrogate without its other half, which JSON can spell and no UTF-8 can hold."""


def storable(text: str) -> str:
    """The text with a mark in the place of each character that cannot be stored."""
    return HALF.sub(HALF_SHOWN, text.replace(NUL, NUL_SHOWN))


def storable_json(value: Any) -> Any:
    """A JSON value of which each string, also those that are keys, is storable."""
    match value:
        case str():
            return storable(value)
        case dict():
            # Keys that differ in such characters alone become one.
            return {storable_json(key): storable_json(each) for key, each in value.items()}
        case list() | tuple():
            return [storable_json(each) for each in value]
    return value
