"""Which format a package has; all formats become one kind of draft."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from web.courses.importing import exercism, kattis, table, toml
from web.courses.importing.draft import CourseDraft, ExerciseDraft
from web.courses.importing.package import Package
from web.courses.importing.remarks import Spot, refuse

UNKNOWN = _(
    "This is no package that is read: a Kattis problem (problem.yaml), an exercise of Exercism "
    "(.docs/instructions.md), a CSV file, or our own TOML."
)
MARKERS: dict[str, Callable[[Package], ExerciseDraft]] = {
    kattis.PROBLEM: kattis.exercise,
    exercism.INSTRUCTIONS: exercism.exercise,
}
"""The file that makes a folder an exercise of a format."""


def read(package: Package) -> CourseDraft:
    """One exercise, or a folder of exercises of one format.

    Raises: BadPackage, which names file, line and reason.
    """
    beside = [file for file in sorted(package.files) if "/" not in file]
    for marker, exercise in MARKERS.items():
        if marker in package.files:
            return CourseDraft(exercises=(exercise(package),))
    if any(file.endswith(".toml") for file in beside):
        return toml.course(package)
    if tables := [file for file in beside if file.endswith(".csv")]:
        drafts = [table.course(package, file).exercises for file in tables]
        return CourseDraft(exercises=tuple(draft for each in drafts for draft in each))
    # A contest or a whole track: a folder for each exercise, somewhere below.
    for marker, exercise in MARKERS.items():
        folders = [
            file.removesuffix(f"/{marker}") for file in package.files if file.endswith(f"/{marker}")
        ]
        if folders:
            found = tuple(exercise(package.under(folder)) for folder in sorted(folders))
            return CourseDraft(exercises=found)
    refuse(Spot(package.path.rstrip("/") or package.name), UNKNOWN)
