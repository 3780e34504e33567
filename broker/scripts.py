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
    """Every script by its file's name."""
    return composed(common)


def composed(read: Callable[[str], str], first_line: str = SHEBANG) -> Mapping[str, Script]:
    """Every script, with the names of keys and the included files put before it.

    read: the text of an included file; tests bring a clock of their own.
    """
    found = {}
    for path in sorted(FOLDER.glob("*.lua")):
        body = path.read_text()
        parts = {name: read(name) for name in included(body, read)}
        text = "\n".join([*parts.values(), body])
        source = f"{first_line}{keys.lua(text)}\n{text}"
        found[path.stem] = Script(sha1(source.encode(), usedforsecurity=False).hexdigest(), source)
    return found


def common(name: str) -> str:
    return (FOLDER / "common" / f"{name}.lua").read_text()


def included(text: str, read: Callable[[str], str]) -> list[str]:
    """Names of the files this one includes, after those that they include."""
    match = INCLUDES.search(text)
    names = match[1].split(", ") if match else []
    return list(dict.fromkeys(one for name in names for one in [*included(read(name), read), name]))


def nothing(reply: object) -> None:
    """Parser of a script that has no result."""
