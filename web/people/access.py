"""The access rules. API, event streams, pages and admin ask here, and nowhere else.

A member of a course sees its exercises and their own hints in it; who teaches it, all its hints.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Q, QuerySet

from broker.contract.hint import State
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint
from web.people.models import User
from web.prepared import Anybody, Prepared, Slot, columns, loaded

RECEIVED = (State.ANSWERED, State.WITHHELD, State.FAILED)
TEACHING = (Membership.Role.TEACHER, Membership.Role.ADMIN)
MEMBER = "exercise__course__memberships"
"""From a hint to the memberships of its course."""
OWN = Q(student=F(f"{MEMBER}__user"))
TAUGHT = Q(**{f"{MEMBER}__role__in": TEACHING})
"""A member of the hint's course may read it if it is OWN or TAUGHT."""


def for_anybody(rule: Callable[[Anybody], QuerySet[Any, Any]]) -> dict[bool, Prepared]:
    """The rule's query by whether the user is a superuser."""
    return {each: Prepared(partial(rule, Anybody(is_superuser=each))) for each in (False, True)}


def courses(user: User | Anybody) -> QuerySet[Course]:
    """The courses this person is in; a superuser is in all of them."""
    if user.is_superuser:
        return Course.objects.all()
    return Course.objects.filter(memberships__user=user)


def taught(user: User | Anybody) -> QuerySet[Course]:
    """The courses this person may act for: as teacher or admin of the course, or as superuser."""
    if user.is_superuser:
        return Course.objects.all()
    return Course.objects.filter(memberships__user=user, memberships__role__in=TEACHING)


TAUGHT_COURSE = for_anybody(lambda user: taught(user).filter(pk=Slot("course")).values_list("pk"))


def teaches(user: User, course: Course) -> bool:
    return bool(TAUGHT_COURSE[user.is_superuser].rows(user=user.pk, course=course.pk))


def enters_admin(user: User | AnonymousUser) -> bool:
    """Staff for what Django's permissions give them, and whoever teaches a course."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_staff or taught(user).exists()


EXERCISE = for_anybody(
    lambda user: Exercise.objects.filter(
        course__in=courses(user), course__slug=Slot("course"), slug=Slot("exercise")
    ).values_list(*columns(Exercise, "course"))
)


def exercise(user: User, path: str) -> Exercise | None:
    """The exercise at `<course>/<exercise>`, for a member of its course."""
    course, _, slug = path.partition("/")
    rows = EXERCISE[user.is_superuser].rows(user=user.pk, course=course, exercise=slug)
    return loaded(Exercise, "course", rows[0]) if rows else None


def hints(user: User) -> QuerySet[Hint]:
    """The hints this person may read. A superuser may read all of them."""
    rows = Hint.objects.select_related("exercise__course")
    return rows if user.is_superuser else rows.filter(OWN | TAUGHT, **{f"{MEMBER}__user": user})


def readers(hints: Collection[str], users: Collection[int]) -> set[tuple[int, str]]:
    """As `hints` for many people at once: (user, hint) for each of these hints they may read.

    users: primary keys. Owners are in the answer also where they are not among them.
    """
    rows, member = Hint.objects.filter(pk__in=hints), f"{MEMBER}__user"
    # Asked apart: one question would pair every hint with every member of its course.
    found = set(rows.filter(OWN).values_list(member, "pk"))
    teachers = Membership.objects.filter(user__in=users, role__in=TEACHING)
    if known := set(teachers.values_list("user", flat=True)):
        found |= set(rows.filter(TAUGHT, **{f"{member}__in": known}).values_list(member, "pk"))
    superusers = User.objects.filter(pk__in=users, is_superuser=True)
    if known := set(superusers.values_list("pk", flat=True)):
        found |= {(user, hint) for hint in rows.values_list("pk", flat=True) for user in known}
    return {(user, str(hint)) for user, hint in found}


LEVELS = Prepared(
    lambda: (
        Hint.objects.filter(student=Slot("user"), exercise=Slot("exercise"), state__in=RECEIVED)
        .values_list("level")
        .distinct()
    )
)


def received_levels(user: User, of: Exercise) -> set[int]:
    """Levels this student has had a hint of, for this exercise."""
    return {level for (level,) in LEVELS.rows(user=user.pk, exercise=of.pk)}
