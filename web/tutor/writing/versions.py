"""Versions of the prompt's words: a folder each, with a folder for each language in it.

`rules.md` holds the standing rules, `words.toml` what stands around the parts, and `1.toml` and so
on what a level asks for. Whoever changes a file has another version, as nobody has measured it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

from broker.base.errors import HintlineError
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS
from web.tutor.writing.fault import Fault

FOLDER = Path(__file__).parent
CURRENT = "v6"
"""The folder of the version that hints are written by."""
NAME = re.compile(r"v[0-9]{1,4}")
HEADINGS = (
    "statement", "mistakes", "hint", "examples", "avoid", "question", "result", "code", "facts",
    "earlier", "diagnosis", "refused",
)  # fmt: skip
"""Parts of a prompt, each with the heading that it has in words.toml."""
LEAST_TOKENS, MOST_TOKENS = 50, 2_000
MOST_SAMPLES = 4


class BadVersion(HintlineError):
    """Prompts that nobody can be asked by; the text names the file, and what is wrong in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A hint as it should be: about this program, of which the tests say this result."""

    code: str
    result: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPrompt:
    """What a level asks for. answer_tokens: the room that its hint needs, also in this language."""

    form: str
    answer_tokens: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptWords:
    """One language of a version. headings: by HEADINGS; faults: by Fault."""

    rules: str
    headings: Mapping[str, str]
    faults: Mapping[str, str]
    left_out: str
    levels: Mapping[int, LevelPrompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersion:
    """label: the folder's name and 8 hex digits that are equal exactly when its words are."""

    label: str
    words: Mapping[Locale, PromptWords]


@lru_cache(maxsize=16)
def version(name: str = "") -> PromptVersion:
    """The version of this name; empty for the one in use. Read once. Raises: BadVersion."""
    name = name or CURRENT
    # A name comes from a command line, and must not lead out of the folder.
    if not NAME.fullmatch(name) or not (FOLDER / name).is_dir():
        raise BadVersion(f"there are no prompts {name!r}, but {', '.join(names()) or 'none'}")
    return load(FOLDER / name)


def names() -> list[str]:
    """Of all versions that are there."""
    return sorted(path.name for path in FOLDER.iterdir() if NAME.fullmatch(path.name))


def load(folder: Path) -> PromptVersion:
    """Raises: BadVersion for the first file that is missing, or is not as it must be."""
    words = {locale: _words(folder / locale) for locale in LANGUAGES}
    # Of what was read and not of the files: a comment in one of them asks no model otherwise.
    digest = blake2b(repr(words).encode(), digest_size=4).hexdigest()
    return PromptVersion(label=f"{folder.name}-{digest}", words=words)


def _words(folder: Path) -> PromptWords:
    file = PromptFile(folder / "words.toml")
    told = file.table(file.values, {"left_out", "headings", "faults"})
    return PromptWords(
        rules=PromptFile(folder / "rules.md").rules(),
        left_out=file.text(told, "left_out"),
        headings=file.texts(told, "headings", HEADINGS),
        faults=file.texts(told, "faults", tuple(Fault)),
        levels={number: _level(PromptFile(folder / f"{number}.toml")) for number in LEVELS},
    )


def _level(file: PromptFile) -> LevelPrompt:
    told = file.table(file.values, {"form", "tokens"}, {"samples"})
    tokens = told["tokens"]
    if type(tokens) is not int or not LEAST_TOKENS <= tokens <= MOST_TOKENS:
        file.refuse(f"tokens must be a number from {LEAST_TOKENS} to {MOST_TOKENS}")
    return LevelPrompt(
        form=file.text(told, "form"), answer_tokens=tokens, samples=tuple(_samples(file, told))
    )


def _samples(file: PromptFile, told: Mapping[str, Any]) -> Iterator[Sample]:
    found = told.get("samples", [])
    if not isinstance(found, list) or len(found) > MOST_SAMPLES:
        file.refuse(f"samples must be at most {MOST_SAMPLES} tables")
    for sample in found:
        each = file.table(sample, {"code", "result", "hint"})
        yield Sample(**{name: file.text(each, name) for name in each})


class PromptFile:
    """One file of a version, which is named wherever something is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.refuse("is missing")
        except (OSError, UnicodeDecodeError) as error:
            self.refuse(f"cannot be read: {error}")

    def refuse(self, what: str) -> NoReturn:
        """Raises: BadVersion."""
        raise BadVersion(f"{self._path}: {what}")

    def rules(self) -> str:
        return self.text({"rules": self._text}, "rules")

    @property
    def values(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self.refuse(f"cannot be read: {error}")

    def table(
        self, value: object, needed: Set[str], more: Set[str] = frozenset()
    ) -> Mapping[str, Any]:
        """A table with all the needed keys and no others but `more`."""
        if not isinstance(value, dict):
            self.refuse("must hold a table")
        if missing := sorted(needed - value.keys()):
            self.refuse(f"{missing[0]} is missing")
        if unknown := sorted(value.keys() - needed - more):
            self.refuse(f"{unknown[0]} is no key of it")
        return value

    def texts(self, told: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> dict[str, str]:
        found = self.table(told[name], set(keys))
        return {key: self.text(found, key) for key in keys}

    def text(self, told: Mapping[str, Any], key: str) -> str:
        """A text that says something, without blank lines around it."""
        text = told[key]
        if not isinstance(text, str) or not text.strip():
            self.refuse(f"{key} must be a text that is not empty")
        return text.strip("\n")
