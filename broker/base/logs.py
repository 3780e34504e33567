"""What the lines of a log are about: the hint, attempt and engine of the code that runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Field = str | int
_fields: ContextVar[Mapping[str, Field]] = ContextVar("_fields", default=MappingProxyType({}))


def note(**fields: Field) -> None:
    """From now on, to the end of this task, its lines carry these fields too."""
    # A new mapping each time: tasks that were begun before share the old one.
    _fields.set({**_fields.get(), **fields})


@contextmanager
def about(**fields: Field) -> Iterator[None]:
    """Lines written inside carry these fields too; for threads, which outlive what they do."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def fields() -> Mapping[str, Field]:
    """What lines that are written here carry, by name."""
    return _fields.get()
