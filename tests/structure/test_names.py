"""What texts and comments name is there: files by their path, modules and what is in them."""

from __future__ import annotations

import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = re.compile(r"(?<![\w/.@{-])(?:broker|compose|tests|web|workers)/[\w/.*-]*[\w/*]")
NAME = re.compile(r"(?<![\w/.-])(?:broker|web|workers|tests)(?:\.[A-Za-z_]\w*+)++(?!\()")
WORDS = {tokenize.COMMENT, tokenize.STRING}


def kept(*patterns: str) -> list[Path]:
    """The files of these names; what git ignores is none of ours."""
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [file for line in listed.stdout.splitlines() if (file := ROOT / line).is_file()]


def is_there(path: str) -> bool:
    """A file or folder, or what git ignores: that comes with the use."""
    command = ["git", "check-ignore", path, f"{path}/"]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    return ignored or any(ROOT.glob(path))


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


DOCUMENTS = kept("*.md", "Makefile", "pyproject.toml", "compose/**")
TEXTS = kept("*.py", "*.toml", "*.md", "*.yml", "*.sh", "*.lua", "*.js", "Makefile", "Dockerfile")


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
