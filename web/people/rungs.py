"""Which levels of help are open to a student for an exercise, and what opens the next one."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext as _

from web.courses.models import Exercise
from web.hints.models import Submission
from web.people import access
from web.people.models import User
from web.tutor import ladder
from web.tutor.evidence.fingerprint import fingerprint
from web.tutor.evidence.report import Verdict
from web.tutor.ladder import LOWEST, TOP, Opener, Rungs

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


def rungs(program: Submission, question: str = "") -> Rungs:
    """With this program, which need not be kept."""
    return climbed(program.student, program.exercise, program, question)


def rungs_now(student: User, exercise: Exercise) -> Rungs:
    """With the program that the student ran last, if any."""
    rows = Submission.objects.filter(student=student, exercise=exercise).order_by("-pk")
    return climbed(student, exercise, rows.first())


def climbed(
    student: User, exercise: Exercise, program: Submission | None, question: str = ""
) -> Rungs:
    """program: one that is not kept yet, or the last one that is."""
    entry = begins(exercise, program, question) if program else LOWEST
    if not exercise.course.ladder or access.teaches(student, exercise.course):
        return ladder.free(entry)
    had = access.received(student, exercise)
    if had is None:
        return ladder.climb(entry, 0, tried=False)
    tried = had.level < TOP and (
        ladder.reflects(had.reflection) or changed(student, exercise, had.submission, program)
    )
    return ladder.climb(entry, had.level, tried=tried)


def begins(exercise: Exercise, program: Submission, question: str) -> int:
    """The level at which help with this program begins."""
    begun = program.fingerprint != fingerprint(exercise.starter, exercise.language)
    return ladder.entry(Verdict(program.report["verdict"]), question, begun=begun)


def changed(student: User, exercise: Exercise, since: int, program: Submission | None) -> bool:
    """Whether another program, or another result, came after the submission of this id."""
    rows = Submission.objects.filter(student=student, exercise=exercise, pk__gte=since)
    of_report = ("report__verdict", "report__passed", "report__total")
    # The submission of the hint is the first of them.
    kept = rows.order_by("pk").values_list("fingerprint", *of_report)[:MOST_TRIES]
    seen = {Told(*row) for row in kept}
    if program:
        seen.add(told(program))
    return len(seen) > 1


def why(open_: Rungs) -> str:
    """What opens the next level, to a student; empty where all are open."""
    if open_.opener is Opener.EFFORT:
        return _(
            "Level %(level)d opens once you have run a changed program, or have written under "
            "your last hint what you think now."
        ) % {"level": open_.highest + 1}
    if open_.opener is Opener.HINT:
        return _("Level %(level)d opens once you have had a hint of level %(below)d.") % {
            "level": open_.highest + 1,
            "below": open_.highest,
        }
    return ""
