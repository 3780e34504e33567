"""The admin as teachers see it: they come in by their memberships, and see their courses' rows.

What they may do there is worked out from their memberships too: nothing is stored that a changed
one could leave behind.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from web.courses.models import Course
from web.people import access, permissions
from web.people.accounts import SignOut
from web.people.models import User

Row = TypeVar("Row", bound=Model)
KNOWN = "_own_permissions"


class Site(AdminSite):
    """The admin site; also for people without is_staff, if they teach a course or have a duty."""

    site_title = site_header = "Hintline"
    # Django's own form turns away everybody without is_staff.
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        return access.enters_admin(request.user)

    # One way out and one page for a new password, whether it is reached from here or elsewhere.

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        return SignOut.as_view()(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        return HttpResponseRedirect(reverse("password_change"))


def entrance(request: HttpRequest) -> dict[str, Any]:
    """Lets every page ask who enters what, at the cost of a query only where a template does."""
    # A request that is refused early, for a strange Host say, has no user yet.
    user = getattr(request, "user", None) or AnonymousUser()
    rules = (access.enters_admin, access.enters_operations, access.sees_operations)
    return {rule.__name__: partial(rule, user) for rule in rules}


class CourseScoped(ModelAdmin[Row]):
    """Rows of the courses that the person teaches; any other one does not exist for them.

    course: the lookup from a row to its course, "pk" for the course itself.
    """

    course: str

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.course}__in": access.taught(cast(User, request.user))})

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.related_model is Course:
            kwargs["queryset"] = access.taught(cast(User, request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


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
            of_courses = permissions.FOR_TEACHERS if teaches else frozenset()
            setattr(
                user_obj, KNOWN, of_courses | permissions.FOR_DUTY.get(user_obj.duty, frozenset())
            )
        return set(getattr(user_obj, KNOWN))

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether there is any permission for this app."""
        return any(name.startswith(f"{app_label}.") for name in self.get_user_permissions(user_obj))
