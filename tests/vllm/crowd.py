"""Students of a few exercises ask, two at a time; a program of its own, for its settings.

python -m tests.vllm.crowd home|random SLUG…: each hint goes to the engine that its prefix names,
or to any. Prints how the hints ended.
"""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import replace
from uuid import uuid4

import django

from tests.oracles.placement import home

SEED = 1
STUDENTS = 4
AT_ONCE = 2
WAIT_S = 900.0

ENGINES = ("gpu0", "gpu1")


def prefix_of(engine: str) -> str:
    """A new prefix whose home is this engine."""
    while home(prefix := uuid4().hex[:16], dict.fromkeys(ENGINES, 1)) != engine:
        continue
    return prefix


def main(how: str, slugs: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    django.setup()
    from web.courses.models import Exercise
    from web.hints import backlog, creation, store, submissions
    from web.hints.api import new_hint
    from web.hints.models import Hint
    from web.hints.wire import HintIn
    from web.people.models import User
    from web.tutor.evidence.report import Report, Verdict

    def ask(number: int, slug: str) -> str:
        exercise = Exercise.objects.get(slug=slug)
        student = User.objects.create(username=f"crowd-{uuid4().hex}")
        code = f"{exercise.starter}\n# {number}\n"
        body = HintIn(exercise=exercise.path, level=3, code=code, locale="en")
        report = Report(verdict=Verdict.FAILED, total=1)
        new = new_hint(
            submissions.keep(submissions.ran(student, exercise, code, report)), body, key=""
        )
        if how == "random":
            new = replace(new, prefix=prefix_of(chance.choice(ENGINES)))
        created = store.create(new)
        assert isinstance(created, creation.Created)
        backlog.join(created.hint)
        return str(created.hint.pk)

    def open_ones() -> int:
        return Hint.objects.filter(pk__in=asked, finished_at=None).count()

    asked: list[str] = []
    chance = random.Random(SEED)
    order = slugs * STUDENTS
    chance.shuffle(order)
    deadline_s = time.monotonic() + WAIT_S
    for number, slug in enumerate(order):
        asked.append(ask(number, slug))
        while open_ones() >= (AT_ONCE if number + 1 < len(order) else 1):
            assert time.monotonic() < deadline_s, "the hints do not end"
            time.sleep(0.05)
    for hint in Hint.objects.filter(pk__in=asked):
        print(hint.engine, hint.state, hint.reason, hint.attempt)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
