"""The one writer of drafts: an exercise is found by its slug, and all are written, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from web.courses.checks import MOST_POSITION
from web.courses.importing.draft import CourseDraft, ExerciseDraft
from web.courses.importing.remarks import Remark, Spot, refuse
from web.courses.importing.toml import COURSE_FILE
from web.courses.models import AuthoredHint, Course, Exercise
from web.courses.texts import columns, in_columns

NO_COURSE = gettext_lazy("No course to import into: name one by its slug.")
REFUSED = "%(field)s: %(said)s"


class Effect(StrEnum):
    """What an import does to one exercise."""

    NEW = "new"
    """It was not there."""
    CHANGED = "changed"
    """Something of it is another than before."""
    SAME = "same"
    """It is as the package has it."""


EFFECTS = {
    Effect.NEW: gettext_lazy("new"),
    Effect.CHANGED: gettext_lazy("changed"),
    Effect.SAME: gettext_lazy("unchanged"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What an import did, or would do, to one exercise. fields: names of columns, and `hints`."""

    exercise: Exercise
    effect: Effect
    fields: Sequence[str]
    left_out: Sequence[Remark]

    def words(self) -> str:
        return str(EFFECTS[self.effect])

    def names(self) -> str:
        """The fields as people know them, of an exercise that changed."""
        labels = [_("hints") if name == "hints" else label(name) for name in self.fields]
        return ", ".join(labels) if self.effect == Effect.CHANGED else ""


def write(found: CourseDraft, course: Course | None, *, dry: bool) -> list[Change]:
    """Write all drafts into the course, None for the one that the package names.

    dry: what would be written is told, and nothing is.
    Raises: BadPackage, for what no exercise can be, and Course.DoesNotExist for a course that was
    deleted; then nothing is written.
    """
    with transaction.atomic():
        into = course or named(found)
        # Whoever imports into the course at the same time waits here.
        Course.objects.select_for_update().get(pk=into.pk)
        # A course may hold far more than what is written.
        known = dict(into.exercises.values_list("slug", "pk"))
        wanted = [known[draft.slug] for draft in found.exercises if draft.slug in known]
        exercises = into.exercises.select_for_update().prefetch_related("authored_hints")
        rows = {row.slug: row for row in exercises.in_bulk(wanted).values()}
        last = into.exercises.aggregate(last=Max("position"))["last"] or 0
        changes = []
        for draft in found.exercises:
            row = rows.get(draft.slug)
            if row is None:
                last += 1
                row = Exercise(course=into, slug=draft.slug, position=min(last, MOST_POSITION))
            changes.append(stored(row, draft))
        # What would be refused is refused in a dry run too, as all of it is done.
        if dry:
            transaction.set_rollback(True)
    return changes


def named(found: CourseDraft) -> Course:
    """The course that the package names, made if it is not there."""
    if not found.slug:
        refuse(found.exercises[0].spot, NO_COURSE)
    course = Course.objects.filter(slug=found.slug).first()
    if course is None:
        course = Course(slug=found.slug, **in_columns("title", found.titles))
        checked(course, lambda _field: Spot(COURSE_FILE))
        course.save()
    return course


def stored(row: Exercise, draft: ExerciseDraft) -> Change:
    """Sets and saves what differs; a row of before gets a new revision."""
    new = row.pk is None
    fields = [name for name, value in draft.columns.items() if getattr(row, name) != value]
    # The rest of the row stays as it is: a package may be of one language only.
    for name in fields:
        setattr(row, name, draft.columns[name])
    kept = {} if new else {hint.level: hint for hint in row.authored_hints.all()}
    texts = {level: in_columns("text", words) for level, words in (draft.hints or {}).items()}
    if draft.hints is not None and texts != {level: texts_of(hint) for level, hint in kept.items()}:
        fields.append("hints")
    if new or fields:
        # Prompts of another revision share nothing with these in an engine's cache.
        row.revision += 0 if new else 1
        checked(row, draft.where)
        row.save()
    if "hints" in fields:
        # A level that is gone from the package must not stay behind.
        row.authored_hints.all().delete()
        for level, words in texts.items():
            hint = AuthoredHint(exercise=row, level=level, **words)
            checked(hint, draft.where)
            hint.save()
    effect = Effect.NEW if new else Effect.CHANGED if fields else Effect.SAME
    return Change(row, effect, fields, draft.left_out)


def texts_of(hint: AuthoredHint) -> dict[str, str]:
    return {column: getattr(hint, column) for column in columns("text")}


def checked(row: Model, where: Callable[[str], Spot]) -> None:
    """where: of a field. Raises: BadPackage for the first one that the row's model refuses."""
    try:
        row.full_clean()
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        refuse(where(field), REFUSED, field=field, said=" ".join(said))


def label(name: str) -> str:
    return str(getattr(Exercise._meta.get_field(name), "verbose_name", name))
