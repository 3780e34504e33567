"""The Lua scripts of broker/lua as the server knows them, and the value that asks for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from broker import keys

T = TypeVar("T", covariant=True)
Arg = str | int
FOLDER = Path(__file__).parent / "lua"
INCLUDES = re.compile(r"^-- includes: (.+)$", re.MULTILINE)
# Makes Redis refuse the whole script when it is out of memory, instead of half way through.
SHEBANG = "#!lua\n"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One atomic change or question, run by a Broker; twice is as good as once.

    parse: turns the script's reply (str, int, None and lists of them) into the result.
    """

    script: str
    args: tuple[Arg, ...]
    parse: Callable[[Any], T]


class Script(NamedTuple):
    """sha: what EVALSHA names it by."""

    sha: str
    source: str


@cache
def scripts() -> Mapping[str, Script]:
    """Every script by its file's name, with key names and included files put before it."""
    found = {}
    for path in sorted(FOLDER.glob("*.lua")):
        body = path.read_text()
        includes = [
            (FOLDER / "common" / f"{name}.lua").read_text()
            for match in INCLUDES.finditer(body)
            for name in match[1].split(", ")
        ]
        source = SHEBANG + "\n".join([keys.lua(), *includes, body])
        found[path.stem] = Script(sha1(source.encode(), usedforsecurity=False).hexdigest(), source)
    return found


def nothing(reply: object) -> None:
    """Parser of a script that has no result."""
