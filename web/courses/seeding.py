"""The seed course as values, read from a folder of TOML files; a bad key is named with its file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.base.errors import HintlineError
from web.tutor.languages import LANGUAGES, Words
from web.tutor.levels import LEVELS

COURSE_FILE = "course.toml"


class BadSeed(HintlineError):
    """A seed file cannot be used; the text names the file, the key, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SeedCourse:
    """What `course.toml` holds."""

    slug: str
    title: Words


@dataclass(frozen=True, slots=True)
class WrongProgram:
    """A program a beginner might hand in; it fails the exercise's tests. why_en: one line."""

    code: str
    why_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedExercise:
    """One exercise file.

    position: place in the course by file name, from 1. statement, mistakes: Markdown.
    tests: bare `assert f(...) == value` lines. hints: one paragraph for each level, from the first
    up to the one that the author stopped at.
    """

    position: int
    slug: str
    topic: str
    title: Words
    statement: Words
    language: str
    starter: str
    tests: str
    reference: str
    mistakes: Words
    hints: dict[int, Words]
    wrong: tuple[WrongProgram, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """A course and its exercises, in order."""

    course: SeedCourse
    exercises: tuple[SeedExercise, ...]


class _Table:
    """A TOML table whose keys are taken one by one, so that what is left over is unknown."""

    def __init__(self, file: str, values: object, path: str = "") -> None:
        self._file = file
        self._path = path
        if not isinstance(values, dict):
            raise BadSeed(f"{file}: {path.rstrip('.')}: must be a table")
        # A copy, since the keys are taken out of it.
        self._values: dict[str, Any] = dict(values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def _bad(self, key: str, problem: str) -> BadSeed:
        return BadSeed(f"{self._file}: {self._path}{key}: {problem}")

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise self._bad(key, "missing")
        return self._values.pop(key)

    def line(self, key: str) -> str:
        """Text without line breaks: a wrapped paragraph becomes one line."""
        return " ".join(self.block(key).split())

    def block(self, key: str) -> str:
        """Text with its line breaks, without blank lines around it."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._bad(key, "must be text that is not empty")
        return value.strip("\n")

    def table(self, key: str) -> _Table:
        return _Table(self._file, self._take(key), f"{self._path}{key}.")

    def tables(self, key: str) -> list[_Table]:
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise self._bad(key, "must be a list of tables that is not empty")
        return [
            _Table(self._file, value, f"{self._path}{key}[{number}].")
            for number, value in enumerate(values, start=1)
        ]

    def finish(self) -> None:
        """Raises: BadSeed for the first key nobody took."""
        for key in self._values:
            raise self._bad(key, "unknown key")


def load(folder: Path) -> Seed:
    """Read `course.toml` and every other TOML file of the folder as an exercise, by file name.

    Raises: BadSeed.
    """
    course = _course(_read(folder / COURSE_FILE))
    files = sorted(path for path in folder.glob("*.toml") if path.name != COURSE_FILE)
    if not files:
        raise BadSeed(f"{folder}: no exercise files")
    exercises = tuple(
        _exercise(_read(path), position) for position, path in enumerate(files, start=1)
    )
    seen: dict[str, str] = {}
    for exercise, path in zip(exercises, files, strict=True):
        if exercise.slug in seen:
            raise BadSeed(f"{path.name}: slug: {exercise.slug!r} is also in {seen[exercise.slug]}")
        seen[exercise.slug] = path.name
    return Seed(course, exercises)


def _read(path: Path) -> _Table:
    try:
        return _Table(path.name, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSeed(f"{path.name}: cannot be read: {error}") from error


def _course(table: _Table) -> SeedCourse:
    course = SeedCourse(table.line("slug"), _lines(table, "title"))
    table.finish()
    return course


def _exercise(table: _Table, position: int) -> SeedExercise:
    exercise = SeedExercise(
        position=position,
        slug=table.line("slug"),
        topic=table.line("topic"),
        title=_lines(table, "title"),
        statement=_blocks(table, "statement"),
        language=table.line("language"),
        starter=table.block("starter"),
        tests=table.block("tests"),
        reference=table.block("reference"),
        mistakes=_blocks(table, "mistakes"),
        hints=_hints(table.table("hints")),
        wrong=tuple(_wrong(each) for each in table.tables("wrong")),
    )
    table.finish()
    return exercise


def _lines(table: _Table, key: str) -> Words:
    return {locale: table.line(f"{key}_{locale}") for locale in LANGUAGES}


def _blocks(table: _Table, key: str) -> Words:
    return {locale: table.block(f"{key}_{locale}") for locale in LANGUAGES}


def _hints(table: _Table) -> dict[int, Words]:
    hints: dict[int, Words] = {}
    # An author may stop early, but not leave a level out: taking its table then says it is missing.
    last = max((level for level in LEVELS if str(level) in table), default=min(LEVELS))
    for level in range(min(LEVELS), last + 1):
        texts = table.table(str(level))
        hints[level] = {locale: texts.line(locale) for locale in LANGUAGES}
        texts.finish()
    table.finish()
    return hints


def _wrong(table: _Table) -> WrongProgram:
    wrong = WrongProgram(table.block("code"), table.line("why_en"))
    table.finish()
    return wrong
