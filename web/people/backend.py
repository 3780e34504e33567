"""What a course's teachers may do in the admin, worked out from their memberships.

Nothing is stored that a changed membership could leave behind. Which rows they may do it to is
for `web.people.site`.
"""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model

from web.people import access, permissions
from web.people.models import User

KNOWN = "_teacher_permissions"


class MembershipBackend(BaseBackend):
    """Django asks it beside its own backend, which knows the permissions of users and groups."""

    def get_user_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None
    ) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        # Kept on the user, who lives for one request: an admin page asks a hundred times.
        if not hasattr(user_obj, KNOWN):
            teaches = access.taught(user_obj).exists()
            setattr(user_obj, KNOWN, permissions.FOR_TEACHERS if teaches else frozenset())
        return set(getattr(user_obj, KNOWN))

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether there is any permission for this app."""
        permissions = self.get_user_permissions(user_obj)
        return any(permission.startswith(f"{app_label}.") for permission in permissions)
