"""Fills a site's database with many students who wait; a program of its own, for its settings."""

from __future__ import annotations

import json
import sys

import django
from django.core.management import call_command

PER_USER = 8


def main(count: int) -> None:
    """Prints {"owned": [[hint, its owner's token], …]}; a student has PER_USER hints."""
    django.setup()
    call_command("migrate", verbosity=0)
    from web.courses.models import Course, Exercise, Membership
    from web.hints.models import Hint, Submission
    from web.people.models import ApiToken, User
    from web.people.tokens import fresh

    course = Course.objects.create(slug="bench", title_ko="", title_en="")
    exercises = Exercise.objects.bulk_create(
        [Exercise(course=course, slug=f"e{n}") for n in range(PER_USER)]
    )
    owned: list[tuple[str, str]] = []
    for start in range(0, count, PER_USER):
        student = User.objects.create(username=f"s{start}")
        Membership.objects.create(user=student, course=course)
        token = ApiToken(user=student, name="bench")
        text = fresh(token)
        token.save()
        programs = Submission.objects.bulk_create(
            [Submission(student=student, exercise=each, report={}) for each in exercises]
        )
        hints = Hint.objects.bulk_create(
            Hint(student=student, exercise=one.exercise, submission=one, level=1)
            for one in programs
        )
        owned += [(str(hint.pk), text) for hint in hints]
    print(json.dumps({"owned": owned[:count]}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
