"""One word a thing, one thing a word: the glossary, and the names in the code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.structure.test_sources import MODULES, PARTS, ROOT, SCRIPTS, name

GLOSSARY = ROOT / "broker" / "contract" / "WORDS.md"
ROW = re.compile(
    r"^\| (?P<word>[a-z][a-z ]*) \| (?P<meaning>[^|]+) \| `(?P<code>[^`|]+)` \|$", re.M
)
DEFINITION = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
NOT_OURS = {"Meta", "Command"}
"""Django wants these names."""


class Banned(NamedTuple):
    """A synonym. rooms: where it is one; elsewhere it is a word of its own.

    pattern: of a whole name, in CamelCase if only classes are meant, else in snake_case.
    """

    pattern: str
    word: str
    rooms: tuple[str, ...] = ("broker", "web", "workers")


BACK = r"(giv(e|es|en|ing)|gave|puts?|putting|hand(s|ed)?)_?back|back_(to|in|into)|queued_again"
BANNED = (
    Banned(rf"(\w+_)?({BACK})(_\w+)?", "requeue"),
    Banned(r"(\w+_)?(waiting_(list|line|room)|wait_list)s?(_\w+)?", "backlog"),
    Banned(r"(\w+_)?line(_of)?", "backlog", ("broker/lua", "broker/keys.py", "broker/dispatch.py")),
    Banned(r"places?(_of)?", "phase, affinity or queue_position", ("broker",)),
    Banned(r"placed|placed_\w+", "affinity"),
    Banned(r"position", "queue_position", ("broker",)),
    Banned(r"patien(ce|t)(_\w+)?", "aged", ("broker",)),
    Banned(r"Kind|Failure|Waiting", "EventKind, EngineFailure, LaneBacklog", ("broker",)),
    Banned(r"mourn\w*|bury|buried", "reap"),
    Banned(r"(\w+_)?gpus?(_\w+)?", "engine", ("broker",)),
    Banned(
        r"\w+_(secs?|msecs?|millis|milliseconds|kb|mb|toks?)", "a unit: _s, _ms, _bytes, _tokens"
    ),
)
WIPES = {
    "broker/dispatch.py", "broker/keys.py", "broker/lua/epoch.lua", "workers/guard/rescue.py",
    # wasmtime calls by this word what ends a run.
    "web/runner/build.py", "web/runner/child.py",
}  # fmt: skip
"""What may speak of an epoch, which tells a Redis that was wiped from the one before."""


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(GLOSSARY.read_text()))


def classes(path: Path) -> Iterator[str]:
    """Every class but those within a Django model, which are columns' choices, and models.

    A model may be named as the value that it keeps.
    """
    if path.name == "models.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and node.name not in NOT_OURS:
            yield node.name


def names(path: Path) -> Iterator[str]:
    """What a module itself names: modules, classes, functions, arguments, variables, fields."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def lua_names(path: Path) -> Iterator[str]:
    """Locals, functions and their arguments."""
    yield path.stem
    code = re.sub(r"--.*", "", path.read_text())
    for listed in re.findall(r"\blocal (?!function)([\w, \n]+?)(?: =|\n|$)", code):
        yield from re.findall(r"\w+", listed)
    for listed in re.findall(r"\bfunction ?([\w.]*\([\w, ]*\))", code):
        yield from re.findall(r"\w+", listed)


def snake(name: str) -> str:
    """GiveBack, GIVE_BACK and give_back alike."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def named() -> frozenset[tuple[str, str]]:
    """(file, name) of all names of the product's own."""
    python = ((name(path), each) for path in MODULES for each in names(path))
    lua = ((name(path), each) for path in (*SCRIPTS, *PARTS) for each in lua_names(path))
    return frozenset((*python, *lua))


def is_defined(code: str) -> bool:
    """code: `module:Name` or `module:Class.member`."""
    module, _, path = code.partition(":")
    file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    body = ast.parse(file.read_text()).body if file.is_file() else []
    for part in path.split("."):
        found = [node for node in body if part in defined(node)]
        if not found:
            return False
        body = found[0].body if isinstance(found[0], DEFINITION) else []
    return True


def defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return {node.name}
        case ast.AnnAssign(target=target):
            return {ast.unparse(target)}
        case ast.Assign(targets=targets):
            return {part for one in targets for part in re.findall(r"\w+", ast.unparse(one))}
    return set()


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row["word"]))
def test_what_the_glossary_names_is_there(row: re.Match[str]) -> None:
    assert is_defined(row["code"]), row["code"]


def test_the_glossary_has_each_word_and_each_name_once() -> None:
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]

    assert len(rows()) > 30
    assert len(rows()) == len(lines) - 2, "every row can be read"
    assert len({row["word"] for row in rows()}) == len(rows())
    assert len({row["code"] for row in rows()}) == len(rows())


def test_no_two_classes_share_a_name() -> None:
    count = Counter(each for path in MODULES for each in classes(path))

    assert count["State"]
    assert {each for each, times in count.items() if times > 1} == set()


@pytest.mark.parametrize("banned", BANNED, ids=lambda banned: str(banned.word))
def test_no_name_is_a_synonym(banned: Banned) -> None:
    found = {
        (file, each)
        for file, each in named()
        if file.startswith(banned.rooms)
        if any(re.fullmatch(banned.pattern, spelling) for spelling in (each, snake(each)))
    }

    assert not found, f"say {banned.word}"


def test_only_a_wipe_makes_an_epoch() -> None:
    speaking = {file for file, each in named() if "epoch" in each.lower()}

    assert speaking <= WIPES


def test_metrics_speak_of_engines() -> None:
    texts = [*MODULES, ROOT / "README.md", *(ROOT / "compose" / "observe").iterdir()]

    assert not {name(path) for path in texts if path.is_file() and "hint_gpu" in path.read_text()}


def test_the_glossary_is_linked() -> None:
    assert f"({GLOSSARY.relative_to(ROOT)})" in (ROOT / "README.md").read_text()
