"""Lines of JSON in, an object out for each: a bad line is named, and the rest goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

from django.core.management.base import OutputWrapper

T = TypeVar("T")
LINE_BYTES = 1_000_000
ID_CHARS = 200


class Unusable(ValueError):
    """What was given cannot be used; its text says why."""


def answers(
    lines: BinaryIO, work: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """An object for each line that is not blank, in their order: the line's id, and what work made.

    work: may raise Unusable; that line's object, and that of a line that is no JSON object or is
    longer than LINE_BYTES, has id, line and error.
    """
    for number, line in enumerate(bounded(lines), start=1):
        if line is None or line.strip():
            entry: Mapping[str, Any] = {}
            try:
                entry = read(line)
                yield {"id": named(entry), **work(entry)}
            except Unusable as error:
                yield {"id": named(entry), "line": number, "error": str(error)}


def show(found: Iterable[dict[str, Any]], out: OutputWrapper) -> None:
    """Each as a line of JSON, at once: who measures reads an answer before they ask on."""
    for answer in found:
        out.write(json.dumps(answer, ensure_ascii=False))
        out.flush()


def bounded(lines: BinaryIO) -> Iterator[bytes | None]:
    """The lines; None for one that is too long, of which no more than LINE_BYTES are held."""
    while line := lines.readline(LINE_BYTES):
        if line.endswith(b"\n") or len(line) < LINE_BYTES:
            yield line
            continue
        while (rest := lines.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def read(line: bytes | None) -> Mapping[str, Any]:
    if line is None:
        raise Unusable(f"the line has more than {LINE_BYTES:,} bytes")
    try:
        entry = json.loads(line)
    # Deeply nested brackets end in a RecursionError, and long numbers in a ValueError.
    except (ValueError, RecursionError):
        raise Unusable("the line is not JSON") from None
    if not isinstance(entry, dict):
        raise Unusable("the line is no JSON object")
    return entry


def named(entry: Mapping[str, Any]) -> str | int | None:
    """The entry's id as it came, if it is one."""
    found = entry.get("id")
    short = isinstance(found, str) and len(found) <= ID_CHARS
    return found if short or type(found) is int else None


def one_of(entry: Mapping[str, Any], name: str, choices: Collection[T]) -> T:
    """The value under this name. Raises: Unusable unless it is one of the choices."""
    found = entry.get(name)
    for choice in choices:
        # True is no 1 to who writes JSON.
        if type(found) is type(choice) and found == choice:
            return choice
    raise Unusable(f"`{name}` must be one of {', '.join(map(str, choices))}")
