"""Who may do what: each rule stands here once. API, event streams, pages and admin ask, by name.

What somebody may do in a course follows from their membership in it, asked anew each time. What
belongs to no course (people, tokens, engines, records) follows from Django's permissions, and
`permissions` has those that we give and take. Who somebody is, `auth` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from broker.contract.hint import Source, State
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint
from web.people.models import Platform, User
from web.prepared import Prepared, Slot

Person = User | AnonymousUser
# A cancelled hint is missing here: whoever takes a request back has received no help from it.
RECEIVED = (State.ANSWERED, State.WITHHELD, State.FAILED)
# A report of the tests alone is no hint: nobody has to ask for it.
HELPING = (Source.MODEL, Source.EVIDENCE, Source.AUTHORED)
TEACHING = (Membership.Role.TEACHER, Membership.Role.ADMIN)
MEMBER = "exercise__course__memberships"
"""From a hint to the memberships of its course."""
OWN = Q(student=F(f"{MEMBER}__user"))
TAUGHT = Q(**{f"{MEMBER}__role__in": TEACHING})
"""A member of the hint's course may read it if it is OWN or TAUGHT."""


PEOPLES = {"tries_models": False}
"""A course that is no evaluation's: those are made and deleted by themselves."""


class Anybody(Slot):
    """Stands for the user in a query that is prepared, so that it has the same rules."""

    def __init__(self, *, is_superuser: bool) -> None:
        super().__init__("user")
        self.is_superuser = is_superuser


def for_anybody(rule: Callable[[Anybody], QuerySet[Any, Any]]) -> dict[bool, Prepared]:
    """The query by whether the user is a superuser."""
    return {each: Prepared(partial(rule, Anybody(is_superuser=each))) for each in (False, True)}


def courses(user: User | Anybody) -> QuerySet[Course]:
    """The courses whose exercises this person sees: as a member, or as a superuser."""
    if user.is_superuser:
        return Course.objects.filter(**PEOPLES)
    return Course.objects.filter(memberships__user=user)


def taught(user: User | Anybody) -> QuerySet[Course]:
    """The courses whose rows this person sees in the admin: as teacher, admin, or superuser."""
    if user.is_superuser:
        return Course.objects.filter(**PEOPLES)
    return Course.objects.filter(memberships__user=user, memberships__role__in=TEACHING)


def enters_admin(user: Person) -> bool:
    """Staff for what Django's permissions give them, and whoever has a duty or teaches a course."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_staff or bool(user.duty) or taught(user).exists()


EXERCISE = for_anybody(
    lambda user: Exercise.objects.filter(
        course__in=courses(user), course__slug=Slot("course"), slug=Slot("exercise")
    ).select_related("course")
)


def exercise(user: User, path: str) -> Exercise | None:
    """The exercise at `<course>/<exercise>`, for who sees its course: to ask, and run programs."""
    course, _, slug = path.partition("/")
    found: Exercise | None = EXERCISE[user.is_superuser].first(
        user=user.pk, course=course, exercise=slug
    )
    return found


PLATFORM_EXERCISE = Prepared(
    lambda: Exercise.objects.filter(
        course__platforms=Slot("platform"), course__slug=Slot("course"), slug=Slot("exercise")
    ).select_related("course")
)


def platform_exercise(platform: Platform, path: str) -> Exercise | None:
    """The exercise at `<course>/<exercise>`, if it is in one of the platform's courses."""
    course, _, slug = path.partition("/")
    found: Exercise | None = PLATFORM_EXERCISE.first(
        platform=platform.pk, course=course, exercise=slug
    )
    return found


class TooManyUsers(Exception):
    """A platform has as many users as it may."""


PLATFORM_STUDENT = Prepared(
    lambda: User.objects.filter(
        username=Slot("username"), platform=Slot("platform"), is_active=True, is_superuser=False,
        memberships__course=Slot("course"),
    )
)  # fmt: skip


def acted_for(platform: Platform, name: str, course: Course) -> User | None:
    """The platform's own user of this name, as a student of this course of it; made at first sight.

    None for one who is locked out, or whom an admin gave rights over everything: no program may
    have these. Raises: TooManyUsers.
    """
    # No form takes a colon in a username, and no platform's name has one: whatever a platform calls
    # its users, they are nobody else.
    username = f"{platform.slug}:{name}"
    known: User | None = PLATFORM_STUDENT.first(
        username=username, platform=platform.pk, course=course.pk
    )
    return known or first_seen(platform, username, course)


@transaction.atomic
def first_seen(platform: Platform, username: str, course: Course) -> User | None:
    """As acted_for, for whoever is new to the site or to the course."""
    # Locked: of many who come at once no more are made than there may be.
    row = Platform.objects.select_for_update().filter(pk=platform.pk).first()
    if row is None:
        return None
    user = User.objects.filter(username=username).first()
    if user is None:
        if row.users.count() >= row.most_users:
            raise TooManyUsers
        user = User.objects.create(username=username, platform=row, password=make_password(None))
    if user.platform_id != row.pk or not user.is_active or user.is_superuser:
        return None
    Membership.objects.get_or_create(user=user, course=course)
    return user


def asker(platform: Platform, hint_id: UUID | str) -> User | None:
    """The platform's user who asked for this hint; as whom it may be read, and acted on."""
    rows = User.objects.filter(platform=platform, is_active=True, is_superuser=False)
    return rows.filter(hints__pk=hint_id).first()


@receiver(m2m_changed, sender=Platform.courses.through)
def leave_courses(**_: Any) -> None:
    """No platform's user stays in a course that the platform has left."""
    members = Membership.objects.filter(user__platform__isnull=False)
    members.exclude(course__platforms=F("user__platform")).delete()


def platform_course(platform: Platform, slug: str) -> Course | None:
    """The course of this slug, if it is one of the platform's, which may write its exercises."""
    return platform.courses.filter(slug=slug).first()


HELP = Prepared(
    lambda: Hint.objects.filter(
        student=Slot("user"), exercise=Slot("exercise"), state__in=RECEIVED, source__in=HELPING
    ).values_list("level", "created_at", "submission_id", "reflection")
)


class Received(NamedTuple):
    """level: the highest of the hints that a student has had for an exercise.

    submission, reflection: what the last of them was about, and what the student wrote on it.
    """

    level: int
    submission: int
    reflection: str


def received(user: User, of: Exercise) -> Received | None:
    """The help that this student has had for this exercise; None for none."""
    rows = HELP.rows(user=user.pk, exercise=of.pk)
    if not rows:
        return None
    *_, submission, reflection = max(rows, key=itemgetter(1))
    return Received(max(row[0] for row in rows), submission, reflection)


TAUGHT_COURSE = for_anybody(lambda user: taught(user).filter(pk=Slot("course")).values_list("pk"))


def teaches(user: User, course: Course) -> bool:
    """Who does may ask in the batch lane, and run any number of programs a minute."""
    return bool(TAUGHT_COURSE[user.is_superuser].rows(user=user.pk, course=course.pk))


def hints(user: User | Anybody) -> QuerySet[Hint]:
    """The hints this person may read and follow: their own, those of courses they teach, or all."""
    rows = Hint.objects.select_related("exercise__course", "submission")
    return rows if user.is_superuser else rows.filter(OWN | TAUGHT, **{f"{MEMBER}__user": user})


HINT = for_anybody(lambda user: hints(user).filter(pk=Slot("hint")))


def hint(user: User, hint_id: UUID) -> Hint | None:
    """The hint of this id, if this person may read it."""
    found: Hint | None = HINT[user.is_superuser].first(user=user.pk, hint=Hint.key(hint_id))
    return found


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
    # A superuser need not be a member of any course.
    superusers = User.objects.filter(pk__in=users, is_superuser=True)
    if known := set(superusers.values_list("pk", flat=True)):
        found |= {(user, hint) for hint in rows.values_list("pk", flat=True) for user in known}
    return {(user, str(hint)) for user, hint in found}


def own_hints(user: User, of: Exercise) -> QuerySet[Hint]:
    """Those this person has asked for, for this exercise."""
    return of.hints.filter(student=user)


def acts_on(user: User, hint: Hint) -> bool:
    """Whether this person may take the hint back and rate it: who teaches may only read it."""
    return hint.student_id == user.pk


def enters_operations(user: Person) -> bool:
    """The pages below /ops/. Asked of whoever is signed in, on every page of theirs."""
    # Of students it takes no query.
    has_more = isinstance(user, User) and (user.is_staff or bool(user.duty))
    return has_more and sees_engines(user)


def sees_operations(user: Person) -> bool:
    """Hints, costs and the log there; of hints, nothing that a student or a model has written."""
    return isinstance(user, User) and user.is_active and (user.is_superuser or bool(user.duty))


def operates(user: Person) -> bool:
    """Every action of those pages, and the words in hints: no permission of Django's gives that."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.duty == User.Duty.OPS


def sees_engines(user: Person) -> bool:
    """The fleet's page, and what is known of a model."""
    return user.has_perm("engines.view_engine") or changes_engines(user)


def changes_engines(user: Person) -> bool:
    """Counts and drain of the fleet, and the test of an engine."""
    return user.has_perm("engines.change_engine")


def sees_mode(user: Person) -> bool:
    """How AI is served, and who has changed that; no key."""
    return user.has_perm("engines.view_aimodelconfig") or changes_mode(user)


def changes_mode(user: Person) -> bool:
    """How AI is served, and the test of it, which asks its servers."""
    return user.has_perm("engines.change_aimodelconfig")


def sees_evaluations(user: Person) -> bool:
    """What models were measured at, with the texts that they wrote."""
    return user.has_perm("evaluation.view_evaluation") or evaluates(user)


def evaluates(user: Person) -> bool:
    """To begin, stop and go on with an evaluation, which asks an engine thousands of times."""
    return user.has_perm("evaluation.add_evaluation")


def grants_licences(user: Person) -> bool:
    return user.has_perm("engines.add_licence") and user.has_perm("engines.change_licence")


def require(rule: Callable[[Person], bool], user: Person) -> None:
    """Raises: PermissionDenied, which Django answers with 403."""
    if not rule(user):
        raise PermissionDenied
