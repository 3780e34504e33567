"""Who may see and ask what: members of a course its exercises, students their own hints."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from broker.contract.hint import State
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint

RECEIVED = (State.ANSWERED, State.WITHHELD, State.FAILED)


def courses(user: User) -> QuerySet[Course]:
    """The courses this person is in; a superuser is in all of them."""
    if user.is_superuser:
        return Course.objects.all()
    return Course.objects.filter(memberships__user=user)


def exercise(user: User, path: str) -> Exercise | None:
    """The exercise at `<course>/<exercise>`, for a member of its course."""
    course, _, slug = path.partition("/")
    found = Exercise.objects.filter(course__in=courses(user), course__slug=course, slug=slug)
    return found.select_related("course").first()


def teaches(user: User, course: Course) -> bool:
    """Whether this person may act for the course: its teachers, and staff."""
    roles = (Membership.Role.TEACHER, Membership.Role.ADMIN)
    return user.is_staff or course.memberships.filter(user=user, role__in=roles).exists()


def hints(user: User) -> QuerySet[Hint]:
    """The hints this person may read: staff all of them, a student their own."""
    rows = Hint.objects.select_related("exercise__course")
    return rows if user.is_staff else rows.filter(student=user)


def received_levels(user: User, of: Exercise) -> set[int]:
    """Levels this student has had a hint of, for this exercise."""
    rows = Hint.objects.filter(student=user, exercise=of, state__in=RECEIVED)
    return set(rows.values_list("level", flat=True))
