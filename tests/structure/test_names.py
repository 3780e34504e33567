"""What texts and comments name is there: files by their path, modules and what is in them."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = re.compile(r"(?<![\w/.@{-])(?:broker|compose|tests|web|workers)/[\w/.*-]*[\w/*]")
NAME = re.compile(r"(?<![\w/.-])(?:broker|web|workers|tests)(?:\.[A-Za-z_]\w*+)++(?!\()")
KINDS = ("py", "md", "yml", "sh", "lua", "js", "html")
WORDS = {tokenize.COMMENT, tokenize.STRING}
IGNORED = (ROOT / ".gitignore").read_text().split()
MADE = {each.rstrip("/") for each in IGNORED} | {".git", "models", "static-collected"}


def kept(*patterns: str) -> list[Path]:
    """The files of these names, but for what is made from others."""
    found = {file for pattern in patterns for file in ROOT.glob(pattern)}
    return sorted(file for file in found if file.is_file() and not MADE & set(file.parts))


def is_there(path: str) -> bool:
    """A file or folder, or one that git ignores: it comes with the use."""
    return path in IGNORED or f"{path}/" in IGNORED or any(ROOT.glob(path))


def is_known(name: str) -> bool:
    """A room, a module, or what stands in a module."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        base, rest = ROOT.joinpath(*parts[:count]), parts[count:]
        if base.is_dir() and not rest:
            return True
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return not rest or bool(re.search(rf"\b{rest[0]}\b", file.read_text()))
    return False


def words(file: Path) -> Iterator[str]:
    """The strings and comments of a program, the whole of another text."""
    if file.suffix != ".py":
        yield file.read_text()
        return
    with file.open("rb") as code:
        yield from (
            token.string for token in tokenize.tokenize(code.readline) if token.type in WORDS
        )


ROOMS = ("broker", "compose", "tests", "web", "workers")
DOCUMENTS = kept("*.md", "tests/**/*.md", "Makefile", "pyproject.toml", "compose/**/*")
TEXTS = kept(
    "*.md", "*.toml", "Makefile", *(f"{room}/**/*.{kind}" for room in ROOMS for kind in KINDS)
)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_path_that_a_document_names_is_there(file: Path) -> None:
    assert not {path for path in PATH.findall(file.read_text()) if not is_there(path)}


def test_every_module_that_a_text_names_is_there() -> None:
    named = {
        (str(file.relative_to(ROOT)), name)
        for file in TEXTS
        for text in words(file)
        for name in NAME.findall(text)
    }

    assert len(named) > 100
    assert not {(file, name) for file, name in named if not is_known(name)}


FIRST_READ = (
    "broker/contract/hint.py",
    "web/hints/store.py",
    "workers/attempt/attempt.py",
    "web/tutor/gate/gate.py",
)


def test_the_readme_begins_with_four_files_that_are_short() -> None:
    text = (ROOT / "README.md").read_text()

    assert all(f"[{path}]({path})" in text for path in FIRST_READ)
    assert sum(len((ROOT / path).read_text().splitlines()) for path in FIRST_READ) <= 700
