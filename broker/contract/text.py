"""Text that every database keeps, and numbers in it: PostgreSQL takes no NUL, UTF-8 no halves."""

from __future__ import annotations

import re
from typing import Any

NUL, NUL_SHOWN = "\0", "␀"
HALF, HALF_SHOWN = re.compile("[\ud800-\udfff]"), "\ufffd"
"""A surrogate without its other half, which JSON can spell and no UTF-8 can hold."""


def row_number(text: str) -> int | None:
    """The number of a row, as it stands in an address; None for what is none."""
    # int() would take digits of other scripts, and the database no more than 18 of them.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


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
