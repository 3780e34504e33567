"""Who acts by a request: the person who sends it, or the user of a platform that it is about."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from web.api import problem
from web.api.problem import Problem
from web.courses.models import Course, Exercise
from web.people import access
from web.people.models import ApiToken, Platform, User


def platform_of(request: HttpRequest) -> Platform | None:
    """Whose token the request came with."""
    token = getattr(request, "auth", None)
    return token.platform if isinstance(token, ApiToken) else None


def asking(request: HttpRequest, path: str, on_behalf_of: str) -> tuple[User, Exercise]:
    """Who asks about an exercise, and the exercise: `<course>/<exercise>`.

    on_behalf_of: the platform's name for its user, empty for none. Raises: Problem.
    """
    platform = platform_of(request)
    if platform is None:
        if on_behalf_of:
            detail = _("Only a token of a platform acts for others, and for its own users alone.")
            raise Problem(problem.FORBIDDEN, detail)
        user = person(request)
        return user, find_exercise(user, path)
    if not on_behalf_of:
        detail = _("A token of a platform asks for one of its users: say for whom.")
        raise problem.invalid("on_behalf_of", detail)
    exercise = access.platform_exercise(platform, path)
    if exercise is None:
        raise no_exercise()
    try:
        student = access.acted_for(platform, on_behalf_of, exercise.course)
    except access.TooManyUsers:
        detail = _("An admin of this site can let it have more, or remove some.")
        raise Problem(problem.TOO_MANY_USERS, detail) from None
    if student is None:
        raise Problem(problem.FORBIDDEN, _("This user is locked out here."))
    return student, exercise


def reading(request: HttpRequest, hint: UUID | str) -> User:
    """Who reads this hint or acts on it. Raises: Problem for a hint that no user of theirs has."""
    platform = platform_of(request)
    user = person(request) if platform is None else access.asker(platform, hint)
    if user is None:
        raise no_hint()
    return user


def writing(request: HttpRequest, slug: str) -> Course:
    """The course of this slug, whose exercises the caller may write. Raises: Problem."""
    platform = platform_of(request)
    if platform is not None:
        course = access.platform_course(platform, slug)
    else:
        user = person(request)
        course = access.taught(user).filter(slug=slug).first()
        if course is None and access.courses(user).filter(slug=slug).exists():
            raise Problem(problem.FORBIDDEN, _("Only who teaches the course may write exercises."))
    if course is None:
        raise no_course()
    return course


def person(request: HttpRequest) -> User:
    # Django's type allows for nobody; AUTH, which stands before each operation, does not.
    assert isinstance(request.user, User), "every operation here needs sign-in"
    return request.user


def find_exercise(user: User, path: str) -> Exercise:
    """Raises: Problem for one that is not there, or not for them."""
    exercise = access.exercise(user, path)
    if exercise is None:
        raise no_exercise()
    return exercise


def no_exercise() -> Problem:
    return Problem(problem.NOT_FOUND, _("There is no such exercise in your courses."))


def no_course() -> Problem:
    return Problem(problem.NOT_FOUND, _("There is no such course for you."))


def no_hint() -> Problem:
    return Problem(problem.NOT_FOUND, _("You have no such hint."))
