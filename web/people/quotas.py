"""How many hints by AI a student may still ask for: reserved with a hint's row, and told.

A hint costs its charge from the request on; one that ends without a model's text costs nothing.
Who teaches the course asks for any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from web.courses.models import Course, Exercise
from web.database import ago
from web.hints.models import IN_FLIGHT, Hint
from web.people import access
from web.people.models import Allowance, Spending, User
from web.prepared import Prepared, Slot
from web.statements import ALWAYS, Sql, ago_sql, holds

DAY = timedelta(hours=24)


class Quota(NamedTuple):
    """an_exercise, a_day: hints of one student; tokens: of the course in a day. None: no limit."""

    an_exercise: int | None = None
    a_day: int | None = None
    tokens: int | None = None


ANY_NUMBER = Quota()
ALLOWANCES = Prepared(
    lambda: Allowance.objects.filter(
        Q(student=None) | Q(student=Slot("student")),
        Q(until=None) | Q(until__gt=Now()),
        course=Slot("course"),
    ).values_list("student", "pk", "hints_an_exercise", "hints_a_day")
)


def quota_of(student: User, course: Course) -> Quota:
    """A student's own allowance counts before one for all of the course, the newest one first."""
    rows = ALLOWANCES.rows(student=student.pk, course=course.pk)
    rows.sort(key=lambda row: (row[0] is not None, row[1]), reverse=True)
    return Quota(
        first([*(row[2] for row in rows), course.hints_an_exercise]),
        first([*(row[3] for row in rows), course.hints_a_day]),
        course.tokens_a_day,
    )


def first(numbers: Iterable[int | None]) -> int | None:
    """The first that is one; 0 is."""
    return next((number for number in numbers if number is not None), None)


# Only rows that cost something have a number. Of two requests at once that count the same rows, the
# one that comes second finds its number taken, and counts anew: so no limit is passed by both.
NUMBER = """
    (SELECT COALESCE(MAX(charge_number), 0) + 1 FROM hints_hint
    WHERE student_id = %s AND charge_number > 0)
"""
# What did not help is left out where a higher level of it is asked for: once a model has written
# that one, it costs nothing.
CHARGES = """
    (SELECT COALESCE(SUM(charge), 0) FROM hints_hint WHERE student_id = %s AND {rows}
    AND (exercise_id <> %s OR level >= %s OR helpful IS NOT FALSE)) + %s
"""
OF_COURSE = "exercise_id IN (SELECT id FROM courses_exercise WHERE course_id = %s)"
TOKENS = (
    "(SELECT COALESCE(SUM(tokens), 0) FROM people_spending WHERE course_id = %s AND hour > {since})"
)
TOKENS_A_HINT = 3_000
"""A hint that costs something counts as so many while it is written, about a prompt and its answer.
Otherwise a whole class could ask at once for the last ones."""
WRITING = (
    f"(SELECT COUNT(*) FROM hints_hint WHERE state IN (%s, %s) AND charge > 0 AND {OF_COURSE})"  # noqa: S608  # of our own names
)


def has_tokens(course: Course) -> Sql:
    """That some are left of its budget beside those that hints in flight are counted as.

    It may be passed by a few hints: two requests at the very same moment may not see each other's,
    and what a hint has taken is written a moment after its end.
    """
    since = ago_sql(DAY.total_seconds())
    used = (course.pk, *since.parameters)
    return Sql(
        f"{TOKENS.format(since=since.text)} + {WRITING} * {TOKENS_A_HINT} < %s",
        (*used, *IN_FLIGHT, course.pk, course.tokens_a_day),
    )


def tokens_are_spent(course: Course) -> bool:
    """Those of its day, where it has a budget."""
    return course.tokens_a_day is not None and not holds(has_tokens(course))


def tokens_used(course: Course) -> int:
    """In the last 24 hours, true to the hour; 0 without a budget, as none is counted then."""
    return sum(tokens for _, tokens in SPENDINGS.rows(course=course.pk))


class Reservation(NamedTuple):
    """For the statement that writes a hint's row. condition: there is room for its charge.

    columns: of the row, which only that statement can tell.
    """

    condition: Sql = ALWAYS
    columns: Mapping[str, Sql] = MappingProxyType({})


FREE = Reservation()


def reservation(student: User, exercise: Exercise, level: int, charge: int) -> Reservation:
    """charge: of the hint; 0 for one that is free."""
    if not charge:
        return FREE
    of, since = quota_of(student, exercise.course), ago_sql(DAY.total_seconds())
    this = (exercise.pk, level, charge)
    parts = []
    if of.an_exercise is not None:
        counted = CHARGES.format(rows="exercise_id = %s")
        here = (student.pk, exercise.pk, *this, of.an_exercise)
        parts.append(Sql(f"{counted} <= %s", here))
    if of.a_day is not None:
        counted = CHARGES.format(rows=f"created_at > {since.text} AND {OF_COURSE}")
        today = (student.pk, *since.parameters, exercise.course_id, *this, of.a_day)
        parts.append(Sql(f"{counted} <= %s", today))
    if of.tokens is not None:
        parts.append(has_tokens(exercise.course))
    condition = Sql(
        " AND ".join(part.text for part in parts) or ALWAYS.text,
        tuple(value for part in parts for value in part.parameters),
    )
    return Reservation(condition, {"charge_number": Sql(NUMBER, (student.pk,))})


class Spent(StrEnum):
    """Which quota is used up."""

    EXERCISE = "exercise"
    """The student's, for this exercise."""
    DAY = "day"
    """The student's, of 24 hours."""
    COURSE = "course"
    """The course's tokens, of 24 hours; or they may be, once what is being written has ended."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left to a student. of_exercise, of_day: hints by AI; None: any number.

    spent: which quota lets them have no more; more_in: when time alone may give them the next one.
    """

    quota: Quota = ANY_NUMBER
    of_exercise: int | None = None
    of_day: int | None = None
    spent: Spent | None = None
    more_in: timedelta | None = None


# Ages are the database's: the clock of this machine may be another one.
CHARGED = Prepared(
    lambda: Hint.objects.filter(
        Q(exercise=Slot("exercise")) | Q(created_at__gt=ago(DAY.total_seconds())),
        student=Slot("student"), exercise__course=Slot("course"), charge__gt=0,
    )
    .annotate(age=Now() - F("created_at"))
    .values_list("exercise", "age", "charge")
)  # fmt: skip
SPENDINGS = Prepared(
    lambda: (
        Spending.objects.filter(course=Slot("course"), hour__gt=ago(DAY.total_seconds()))
        .annotate(age=Now() - F("hour"))
        .values_list("age", "tokens")
    )
)


def left(student: User, exercise: Exercise) -> Left:
    """What is left to this student for this exercise now; who teaches has any number."""
    course = exercise.course
    if access.teaches(student, course):
        return Left()
    quota = quota_of(student, course)
    rows = CHARGED.rows(student=student.pk, exercise=exercise.pk, course=course.pk)
    here = sum(charge for of, _, charge in rows if of == exercise.pk)
    today = [(age, charge) for _, age, charge in rows if age < DAY]
    waits = {
        Spent.EXERCISE: NEVER if remaining(here, quota.an_exercise) == 0 else NOW,
        Spent.DAY: until_room(today, quota.a_day),
        Spent.COURSE: until_tokens(course),
    }
    spent = max(waits, key=waits.__getitem__)
    wait = waits[spent]
    return Left(
        quota,
        of_exercise=remaining(here, quota.an_exercise),
        of_day=remaining(sum(charge for _, charge in today), quota.a_day),
        spent=spent if wait > NOW else None,
        more_in=wait if NOW < wait < NEVER else None,
    )


def remaining(used: int, most: int | None) -> int | None:
    return None if most is None else max(0, most - used)


NOW, SOON, NEVER = timedelta(0), timedelta(minutes=1), timedelta.max


def until_tokens(course: Course) -> timedelta:
    """How long until the course has tokens; SOON where hints in flight may leave some."""
    if course.tokens_a_day is None:
        return NOW
    wait = until_room(SPENDINGS.rows(course=course.pk), course.tokens_a_day)
    return SOON if wait == NOW and tokens_are_spent(course) else wait


def until_room(used: Iterable[tuple[timedelta, int]], most: int | None) -> timedelta:
    """How long until less than `most` was used in a day. used: how long ago, and how much."""
    oldest_first = sorted(used, reverse=True)
    rest = sum(amount for _, amount in oldest_first)
    if most is None or rest < most:
        return NOW
    for age, amount in oldest_first:
        rest -= amount
        if rest < most:
            return DAY - age
    return NEVER


def words(of: Left) -> str:
    """To a student: what is left, or why nothing is and when more is there. "" without a quota."""
    of_exercise, of_day, of_course = of.quota
    numbers = {"exercise": of_exercise, "day": of_day}
    match of.spent:
        case None:
            return what_is_left(of)
        case Spent.EXERCISE if of_exercise:
            told = _("You have used %(exercise)d of %(exercise)d AI hints for this exercise.")
        case Spent.DAY if of_day:
            told = _("You have used %(day)d of %(day)d AI hints in 24 hours.")
        case Spent.COURSE if of_course:
            told = _("The AI of this course is used up for now.")
        case _:
            told = _("There are no AI hints for you here.")
    sentences = [told % numbers, _("Hints without AI go on, and cost nothing.")]
    if of.more_in:
        sentences.insert(1, _("More in about %(wait)s.") % {"wait": wait(of.more_in)})
    return " ".join(sentences)


def what_is_left(of: Left) -> str:
    parts = []
    if of.of_exercise is not None:
        parts.append(_("%(n)d for this exercise") % {"n": of.of_exercise})
    if of.of_day is not None:
        parts.append(_("%(n)d in 24 hours") % {"n": of.of_day})
    return _("AI hints left: %(parts)s.") % {"parts": ", ".join(parts)} if parts else ""


def wait(time: timedelta) -> str:
    """Rounded up."""
    minutes = max(1, ceil(time / timedelta(minutes=1)))
    if minutes < 90:
        return _("%(n)d min") % {"n": minutes}
    return _("%(n)d h") % {"n": ceil(minutes / 60)}
