"""The seed course as unsaved rows, read from TOML files; a bad key is named with its file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.base.errors import HintlineError
from web.courses.models import AuthoredHint, Course, Exercise
from web.courses.texts import columns, in_columns
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

FOLDER = Path(__file__).parent / "seed"
COURSE_FILE = "course.toml"
Shape = Callable[[str], str] | list[Any] | dict[str, Any]
"""Of a value in a file: what a text becomes; the one shape of a list's values; shapes by key."""


class BadSeed(HintlineError):
    """A seed file cannot be used; the text names the file, the key, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SeedExercise:
    """What an exercise file holds.

    row: unsaved and without its course; position is by file name, from 1. hints: unsaved and
    without the row, by level, from the first up to the one that the author stopped at. wrong:
    programs a beginner might hand in; they fail the tests.
    """

    row: Exercise
    hints: dict[int, AuthoredHint]
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Seed:
    """A course, unsaved, and its exercises, in order."""

    course: Course
    exercises: list[SeedExercise]


def line(text: str) -> str:
    """Without line breaks: a wrapped paragraph becomes one line."""
    return " ".join(text.split())


def block(text: str) -> str:
    """With its line breaks, but without blank lines around it."""
    return text.strip("\n")


COURSE: Shape = {"slug": line, **dict.fromkeys(columns("title"), line)}
EXERCISE = {
    **dict.fromkeys(("slug", "topic", "language", *columns("title")), line),
    **dict.fromkeys((*columns("statement"), *columns("mistakes")), block),
    **dict.fromkeys(("starter", "tests", "reference"), block),
}
WRONG: Shape = [{"code": block, "why_en": line}]


def load(folder: Path = FOLDER) -> Seed:
    """Read `course.toml` and every other TOML file of the folder as an exercise, by file name.

    Raises: BadSeed.
    """
    course = Course(**shaped(read(folder / COURSE_FILE), COURSE, f"{COURSE_FILE}: "))
    files = sorted(path for path in folder.glob("*.toml") if path.name != COURSE_FILE)
    if not files:
        raise BadSeed(f"{folder}: no exercise files")
    exercises = [load_exercise(path, position) for position, path in enumerate(files, start=1)]
    seen: dict[str, str] = {}
    for exercise, path in zip(exercises, files, strict=True):
        first = seen.setdefault(exercise.row.slug, path.name)
        if first != path.name:
            raise BadSeed(f"{path.name}: slug: {exercise.row.slug!r} is also in {first}")
    return Seed(course, exercises)


def load_exercise(path: Path, position: int) -> SeedExercise:
    values = read(path)
    hints = values.get("hints")
    # An author may stop early, but not leave a level out: its table is then said to be missing.
    written = [n for n in LEVELS if isinstance(hints, dict) and str(n) in hints]
    levels = [n for n in LEVELS if n <= max(written, default=min(LEVELS))]
    texts = {str(n): dict.fromkeys(LANGUAGES, line) for n in levels}
    found = shaped(values, EXERCISE | {"hints": texts, "wrong": WRONG}, f"{path.name}: ")
    return SeedExercise(
        Exercise(position=position, **{column: found[column] for column in EXERCISE}),
        {n: AuthoredHint(level=n, **in_columns("text", found["hints"][str(n)])) for n in levels},
        [wrong["code"] for wrong in found["wrong"]],
    )


def read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSeed(f"{path.name}: cannot be read: {error}") from error


def shaped(value: object, shape: Shape, where: str) -> Any:
    """The value in this shape. where: its file and its keys, before those below it.

    Raises: BadSeed for the first key that has another shape, is missing or is unknown.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise BadSeed(f"{where.rstrip('.')}: must be a table")
        found = {}
        for key, below in shape.items():
            if key not in value:
                raise BadSeed(f"{where}{key}: missing")
            found[key] = shaped(value[key], below, f"{where}{key}.")
        if unknown := [key for key in value if key not in shape]:
            raise BadSeed(f"{where}{unknown[0]}: unknown key")
        return found
    where = where.rstrip(".")
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            raise BadSeed(f"{where}: must be a list of tables that is not empty")
        return [shaped(each, shape[0], f"{where}[{n}].") for n, each in enumerate(value, start=1)]
    if not isinstance(value, str) or not value.strip():
        raise BadSeed(f"{where}: must be text that is not empty")
    return shape(value)
