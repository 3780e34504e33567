"""The seed course as unsaved rows, read from TOML files; a bad key is named with its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.utils import translation

from broker.base.errors import HintlineError
from web.courses.importing import toml
from web.courses.importing.draft import ExerciseDraft
from web.courses.importing.package import Folder, Package
from web.courses.importing.remarks import BadPackage
from web.courses.importing.toml import COURSE_FILE
from web.courses.models import AuthoredHint, Course, Exercise
from web.courses.texts import in_columns
from web.tutor.languages import OPERATORS

FOLDER = Path(__file__).parent / "seed"


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


def load(folder: Path = FOLDER) -> Seed:
    """Read `course.toml` and every other TOML file of the folder as an exercise, by file name.

    Raises: BadSeed.
    """
    # Whoever reads what is said of a seed works on Hintline itself.
    with translation.override(OPERATORS):
        try:
            package = Package(folder.name, Folder(folder))
            if COURSE_FILE not in package.files:
                raise BadSeed(f"{COURSE_FILE}: cannot be read: it is not there")
            found = toml.course(package, complete=True)
        except BadPackage as error:
            raise BadSeed(str(error)) from error
    course = Course(slug=found.slug, **in_columns("title", found.titles))
    # Their files' names put them in order: a place that a file names would count a second time.
    numbered = enumerate(found.exercises, start=1)
    return Seed(course, [exercise(draft, position) for position, draft in numbered])


def exercise(draft: ExerciseDraft, position: int) -> SeedExercise:
    hints = (draft.hints or {}).items()
    return SeedExercise(
        Exercise(**{**draft.columns, "slug": draft.slug, "position": position}),
        {n: AuthoredHint(level=n, **in_columns("text", words)) for n, words in hints},
        [wrong["code"] for wrong in draft.columns["wrong"]],
    )
