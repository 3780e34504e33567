"""What to make of an exception that nobody expected."""

from __future__ import annotations

import traceback
from pathlib import Path

from broker.base.errors import BrokerDown, HintlineError
from web import database

ROOT = Path(__file__).parents[2]


class Broke(HintlineError):
    """A bug ended an attempt; the text says where, without a word of what it worked on."""


def passes(error: Exception) -> bool:
    """Whether Redis or the database is away, which is no fault of the hint."""
    return isinstance(error, BrokerDown) or database.is_down(error)


def where(error: Exception) -> str:
    """`TypeError at workers/sse.py:31`: an exception's own text may repeat a student's."""
    frames = traceback.walk_tb(error.__traceback__)
    places = [(frame.f_code.co_filename, line) for frame, line in frames]
    # A library's frame says what broke; ours says for what it was called.
    ours = [(name, line) for name, line in places if is_ours(Path(name))]
    last = [f"{name.removeprefix(f'{ROOT}/')}:{line}" for name, line in (ours or places)[-1:]]
    return " at ".join([type(error).__name__, *last])


def is_ours(path: Path) -> bool:
    return path.is_relative_to(ROOT) and "site-packages" not in path.parts
