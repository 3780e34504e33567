"""Who wants their account deleted: it goes some days later, and until then they may stay."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.db.models.functions import Now

from web.people import access
from web.people.models import User

LEAVE_DAYS = 7
"""Long enough to hear of it, where somebody else was at the keyboard."""


def may_leave(user: User) -> bool:
    """Whether they can be forgotten: Django's log of what somebody did goes with its user."""
    return not access.enters_admin(user) and not LogEntry.objects.filter(user=user).exists()


def leave(user: User) -> None:
    """Whoever asks again does not wait anew."""
    asked = User.objects.filter(pk=user.pk, leaves_at=None)
    asked.update(leaves_at=Now() + timedelta(days=LEAVE_DAYS))


def stay(user: User) -> None:
    User.objects.filter(pk=user.pk).update(leaves_at=None)


def due() -> QuerySet[User]:
    """Whose days are over."""
    return User.objects.filter(leaves_at__lt=Now())


def due_still(pk: int) -> User | None:
    """This one, unless they have changed their mind, or may enter the admin by now."""
    user = due().filter(pk=pk).first()
    return user if user and may_leave(user) else None
