"""Which levels of help are open to a student for an exercise, and what opens the next one."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.utils.translation import gettext as _

from web.courses.models import Exercise
from web.hints.models import Submission
from web.people import access
from web.people.models import User
from web.prepared import Prepared, Slot
from web.tutor import ladder
from web.tutor.evidence.fingerprint import fingerprint
from web.tutor.evidence.report import Verdict
from web.tutor.ladder import LOWEST, Opener, Rungs
from web.tutor.levels import LEVELS

MOST_TRIES = 20
"""Submissions from that of a hint on that are looked at; nearly always the second one differs."""


class Told(NamedTuple):
    """What tells two submissions apart here: the program but for its spacing, and its result."""

    fingerprint: str
    verdict: str
    passed: int
    total: int


def told(program: Submission) -> Told:
    return Told(program.fingerprint, *(program.report[name] for name in Told._fields[1:]))


def rungs(program: Submission, written: Collection[int], question: str = "") -> Rungs:
    """With this program, which need not be kept. written: levels that a model may write here."""
    return climbed(program.student, program.exercise, written, program, question)


def rungs_now(student: User, exercise: Exercise, written: Collection[int]) -> Rungs:
    """With the program that the student ran last, if any."""
    rows = Submission.objects.filter(student=student, exercise=exercise).order_by("-pk")
    return climbed(student, exercise, written, rows.first())


def climbed(
    student: User,
    exercise: Exercise,
    written: Collection[int],
    program: Submission | None,
    question: str = "",
) -> Rungs:
    """program: one that is not kept yet, or the last one that is."""
    entry = begins(exercise, program, question) if program else LOWEST
    levels = offered(exercise, written)
    if not exercise.course.ladder or access.teaches(student, exercise.course):
        return ladder.free(entry, levels)
    had = access.received(student, exercise)
    if had is None:
        return ladder.climb(entry, 0, tried=False, levels=levels)
    tried = had.level < levels[-1] and (
        ladder.reflects(had.reflection) or changed(student, exercise, had.submission, program)
    )
    return ladder.climb(entry, had.level, tried=tried, levels=levels)


def offered(exercise: Exercise, written: Collection[int]) -> tuple[int, ...]:
    """The levels of help that there are for this exercise, rising."""
    runs = exercise.tests_here() is not None
    may = [
        number
        for number, level in LEVELS.items()
        # Nobody could tell whether an example solves an exercise whose tests cannot be run.
        if (exercise.course.tells or not level.tells) and (runs or not level.example)
    ]
    wanting = [number for number in may if not LEVELS[number].by_facts and number not in written]
    if wanting:
        rows = exercise.authored_hints.filter(level__in=wanting)
        wanting = sorted({*wanting} - {*rows.values_list("level", flat=True)})
    return tuple(number for number in may if number not in wanting)


def begins(exercise: Exercise, program: Submission, question: str) -> int:
    """The level at which help with this program begins."""
    begun = program.fingerprint != fingerprint(exercise.starter, exercise.language)
    return ladder.entry(Verdict(program.report["verdict"]), question, begun=begun)


# The submission of the hint is the first of them.
KEPT = Prepared(
    lambda: (
        Submission.objects.filter(
            student=Slot("student"), exercise=Slot("exercise"), pk__gte=Slot("since")
        )
        .order_by("pk")
        .values_list("fingerprint", "report__verdict", "report__passed", "report__total")
    )[:MOST_TRIES]
)


def changed(student: User, exercise: Exercise, since: int, program: Submission | None) -> bool:
    """Whether another program, or another result, came after the submission of this id."""
    kept = KEPT.rows(student=student.pk, exercise=exercise.pk, since=since)
    seen = {Told(*row) for row in kept}
    if program:
        seen.add(told(program))
    return len(seen) > 1


def why(open_: Rungs) -> str:
    """What opens the next level, to a student; empty where all are open."""
    words = {"level": open_.above, "below": open_.highest}
    if open_.opener is Opener.EFFORT:
        return (
            _(
                "Level %(level)d opens once you have run a changed program, or have written under "
                "your last hint what you think now."
            )
            % words
        )
    if open_.opener is Opener.HINT:
        return _("Level %(level)d opens once you have had a hint of level %(below)d.") % words
    return ""


def why_not(open_: Rungs, level: int) -> str:
    """Why a level that was asked for is not open, to a student."""
    if level in open_.levels:
        return why(open_)
    return _("There are no hints of level %(level)d for this exercise.") % {"level": level}
