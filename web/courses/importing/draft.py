"""An exercise as a package has it: what all formats are read into, and what is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing.remarks import Remark, Spot, refuse
from web.tutor.languages import Words

MOST_EXERCISES = 1_000
"""Of one import."""
TOO_MANY = _("It has more than %(most)s exercises.")
TWICE = _("slug: '%(slug)s' is also in %(file)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseDraft:
    """columns: of web.courses.models.Exercise; what a package does not speak of is not among them,
    and stays as it is. hints: by level, all there shall be; None if the format has none.

    spots: where each column stands in the package; spot: for all else. left_out: what of the
    package an exercise cannot hold.
    """

    slug: str
    columns: Mapping[str, Any]
    spot: Spot
    spots: Mapping[str, Spot] = field(default_factory=dict)
    hints: Mapping[int, Words] | None = None
    left_out: tuple[Remark, ...] = ()

    def where(self, column: str) -> Spot:
        return self.spots.get(column, self.spot)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseDraft:
    """What a package is: exercises, in order. titles: of the course, if it names one by its slug;
    empty if not.

    Raises: BadPackage where two exercises have one slug, or there are too many of them.
    """

    exercises: tuple[ExerciseDraft, ...]
    slug: str = ""
    titles: Words = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Whoever writes them keeps all others waiting.
        if len(self.exercises) > MOST_EXERCISES:
            refuse(self.exercises[0].spot, TOO_MANY, most=f"{MOST_EXERCISES:,}")
        seen: dict[str, ExerciseDraft] = {}
        for draft in self.exercises:
            first = seen.setdefault(draft.slug, draft)
            if first is not draft:
                refuse(draft.where("slug"), TWICE, slug=draft.slug, file=first.spot.file)
