"""Who wants their account deleted: it goes some days later, and until then they may stay."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from web.people import access
from web.people.models import User

LEAVE_DAYS = 7
"""Long enough to hear of it, where somebody else was at the keyboard."""


def may_leave(user: User) -> bool:
    """Whether it is theirs alone to say: whoever enters the admin has left traces there."""
    return not access.enters_admin(user)


def leave(user: User) -> None:
    """Whoever asks again does not wait anew."""
    asked = User.objects.filter(pk=user.pk, leaves_at=None)
    asked.update(leaves_at=Now() + timedelta(days=LEAVE_DAYS))


def stay(user: User) -> None:
    User.objects.filter(pk=user.pk).update(leaves_at=None)


def due() -> QuerySet[User]:
    """Whose days are over."""
    return User.objects.filter(leaves_at__lt=Now())
