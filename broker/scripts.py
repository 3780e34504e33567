"""The Lua scripts of broker/lua as the server knows them, and the value that asks for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from itertools import chain
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from broker import keys

T = TypeVar("T", covariant=True)
V = TypeVar("V")
Arg = str | int
FOLDER = Path(__file__).parent / "lua"
INCLUDES = re.compile(r"^-- includes: (.+)$", re.MULTILINE)
# Makes Redis refuse the whole script when it is out of memory, instead of half way through.
SHEBANG = "#!lua\n"
# While a script runs, Redis serves nobody else.
MOST_KEYS = 200


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One atomic change or question, run by a Broker; twice is as good as once.

    parse: turns the script's reply (str, int, None and lists of them) into the result.
    width: how many arguments each key has, in a call that `each` made; else 0.
    """

    script: str
    args: tuple[Arg, ...]
    parse: Callable[[Any], T]
    width: int = 0

    def parts(self) -> list[tuple[Arg, ...]]:
        """The arguments, cut where they ask about more keys than one script should."""
        if not self.width:
            return [self.args]
        step = self.width * MOST_KEYS
        return [self.args[at : at + step] for at in range(0, len(self.args), step)]


def each(script: str, rows: Iterable[tuple[Arg, ...]], parse: Callable[[list[Any]], T]) -> Call[T]:
    """A question about any number of keys, which a Broker asks in parts, in one round trip.

    rows: the arguments of each key, itself the first. The script replies {{key, …}, …} for those
    that it has something to say about, and parse gets the replies of all parts as one.
    """
    found = tuple(rows)
    return Call(script, tuple(chain(*found)), parse, len(found[0]) if found else 1)


def by_key(parse: Callable[..., V]) -> Callable[[list[Any]], dict[str, V]]:
    """Parser of a call that `each` made: {key: parse(what follows it in its reply)}."""
    return lambda reply: {key: parse(*rest) for key, *rest in reply}


def keys_of(reply: list[Any]) -> set[str]:
    """Parser of a call that `each` made: the keys that the script named."""
    return {key for key, *_ in reply}


class Script(NamedTuple):
    """sha: what EVALSHA names it by."""

    sha: str
    source: str


@cache
def scripts() -> Mapping[str, Script]:
    """Every script by its file's name, with the names of keys and the included files before it."""
    found = {}
    for path in sorted(FOLDER.glob("*.lua")):
        body = path.read_text()
        text = "\n".join([*map(common, included(body)), body])
        source = f"{SHEBANG}{keys.lua(text)}\n{text}"
        found[path.stem] = Script(sha1(source.encode(), usedforsecurity=False).hexdigest(), source)
    return found


def common(name: str) -> str:
    return (FOLDER / "common" / f"{name}.lua").read_text()


def included(text: str) -> list[str]:
    """Names of the files this one includes, after those that they include."""
    match = INCLUDES.search(text)
    names = match[1].split(", ") if match else []
    return list(dict.fromkeys(one for name in names for one in [*included(common(name)), name]))


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """The fields of a hash, which a script replies as name, value, name, value …"""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def nothing(reply: object) -> None:
    """Parser of a script that has no result."""
