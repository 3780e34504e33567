"""Words for the fields of the filter, from small tables and from the newest rows of large ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from time import monotonic

from django_celery_results.models import TaskResult

from web.courses.models import Exercise
from web.hints.models import Hint, ModelCall

NEWEST, MOST = 500, 300
KEPT_S = 60


def known() -> dict[str, list[str]]:
    """By the name of the field, as they were within the last minute."""
    return known_in(int(monotonic() / KEPT_S))


# Asked for another minute, it forgets what it found in this one.
@lru_cache(maxsize=1)
def known_in(minute: int) -> dict[str, list[str]]:
    paths = Exercise.objects.order_by("course__slug", "position")
    courses, exercises = columns(paths.values_list("course__slug", "slug")[:MOST], 2)
    # What a model was last asked: no index has the names of all that ever were.
    calls = ModelCall.objects.order_by("-pk").values_list("model", "verdict")[:NEWEST]
    models, verdicts = columns(calls, 2)
    asked = Hint.objects.order_by("-created_at", "-id")
    students, engines = columns(asked.values_list("student__username", "engine")[:NEWEST], 2)
    (workers,) = columns(TaskResult.objects.order_by("-pk").values_list("worker")[:NEWEST], 1)
    found = {
        "course": courses, "exercise": exercises, "student": students, "engine": engines,
        "model": models, "verdict": verdicts, "worker": workers,
    }  # fmt: skip
    return {name: sorted(filter(None, words)) for name, words in found.items()}


def columns(rows: Iterable[tuple[str | None, ...]], count: int) -> list[set[str | None]]:
    """The different words of each column."""
    found: list[set[str | None]] = [set() for _ in range(count)]
    for row in rows:
        for words, word in zip(found, row, strict=True):
            words.add(word)
    return found
