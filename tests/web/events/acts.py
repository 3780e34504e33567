"""What people do in a running site that ends somebody's streams; site.act runs them by name."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint
from web.people.models import ApiToken, User

LONG_AGO = timedelta(days=1)


def delete_hint(hint: str, owner: str) -> None:
    Hint.objects.get(pk=hint).delete()


def delete_student(hint: str, owner: str) -> None:
    User.objects.get(username=owner).delete()


def delete_exercise(hint: str, owner: str) -> None:
    Exercise.objects.get(hints=hint).delete()


def move_exercise(hint: str, owner: str) -> None:
    """To a course that the student is not in."""
    other = Course.objects.create(slug=f"away-{owner}", title_ko="", title_en="")
    Exercise.objects.filter(hints=hint).update(course=other)


def leave_course(hint: str, owner: str) -> None:
    Membership.objects.filter(user__username=owner).delete()


def deactivate(hint: str, owner: str) -> None:
    User.objects.filter(username=owner).update(is_active=False)


def change_password(hint: str, owner: str) -> None:
    user = User.objects.get(username=owner)
    user.set_password("another calm goose")
    user.save()


def end_session(hint: str, owner: str) -> None:
    sessions_of(owner).delete()


def outlast_session(hint: str, owner: str) -> None:
    sessions_of(owner).update(expire_date=timezone.now() - LONG_AGO)


def revoke_token(hint: str, owner: str) -> None:
    ApiToken.objects.filter(user__username=owner).delete()


def outlast_token(hint: str, owner: str) -> None:
    ApiToken.objects.filter(user__username=owner).update(expires_at=timezone.now() - LONG_AGO)


def demote(hint: str, owner: str) -> None:
    """The teacher is a student now, or no superuser any more."""
    Membership.objects.filter(user__username=owner).update(role=Membership.Role.STUDENT)
    User.objects.filter(username=owner).update(is_superuser=False)


def sessions_of(owner: str) -> QuerySet[Session]:
    pk = str(User.objects.get(username=owner).pk)
    mine = [row.pk for row in Session.objects.all() if row.get_decoded()["_auth_user_id"] == pk]
    assert mine
    return Session.objects.filter(pk__in=mine)
