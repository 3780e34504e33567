"""Fills a site's database, as a program of its own: it needs that site's settings.

Its arguments are names of more students, with two hints each.
"""

from __future__ import annotations

import json
import sys

import django
from django.core.management import call_command

HINTS = {"amy": 60, "bob": 4}
TEACHER = "eve"
PASSWORD = "fifteen calm geese"
"""Of everybody."""


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.hashers import make_password

    from web.courses.models import Course, Membership
    from web.people.models import User

    password = make_password(PASSWORD)
    course = Course.objects.create(slug="c", title_ko="", title_en="")
    names = [*HINTS, *sys.argv[1:]]
    users = {
        name: User.objects.create(username=name, password=password) for name in (*names, TEACHER)
    }
    for name, user in users.items():
        role = Membership.Role.TEACHER if name == TEACHER else Membership.Role.STUDENT
        Membership.objects.create(user=user, course=course, role=role)
    planted = {
        "cookies": {name: signed_in(user) for name, user in users.items()},
        "tokens": {name: token(user) for name, user in users.items()},
        "hints": {name: hints(course, users[name], HINTS.get(name, 2)) for name in names},
    }
    print(json.dumps(planted))


def signed_in(user: object) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, "web.people.sessions.UserBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def token(user: object) -> str:
    from web.people.models import ApiToken
    from web.people.tokens import fresh

    row = ApiToken(user=user, name="test")
    text = fresh(row)
    row.save()
    return text


def hints(course: object, student: object, count: int) -> list[str]:
    """Queued ones, each for an exercise of its own: only one may be in flight there."""
    from web.courses.models import Exercise
    from web.hints import submissions
    from web.hints.models import Hint
    from web.tutor.evidence.report import Report, Verdict

    made = []
    for n in range(count):
        exercise = Exercise.objects.create(course=course, slug=f"{student.username}-{n}")
        program = submissions.keep(
            submissions.ran(student, exercise, "", Report(verdict=Verdict.CRASHED))
        )
        hint = Hint(student=student, exercise=exercise, submission=program, level=1)
        hint.save()
        made.append(hint)
    return [str(hint.pk) for hint in made]


if __name__ == "__main__":
    main()
