"""300,000 old rows go while hints are asked: what a batch takes, and what the others notice.

`python -m tests.bench.retention` is the site: it measures in the database of its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from tests.bench.table import Row, pair
from tests.postgres import Postgres, programs

ROWS = 300_000
ASKED = 300
"""Hints asked before, to compare with."""
GAP_S = 0.02


def rows() -> list[Row]:
    found = [("SQLite", site(""))]
    if folder := programs():
        server = Postgres(Path(tempfile.mkdtemp(prefix="hl-")), folder)
        server.start()
        try:
            server.create_database()
            found.append(("PostgreSQL", site(server.url)))
        finally:
            server.stop()
    return [row for name, figures in found for row in told(name, figures)]


def told(name: str, figures: dict[str, Any]) -> list[Row]:
    return [
        (f"{name}: a batch of 1,000, ms, p50 / p99", pair(figures["batch_ms"]), "–", "≤ 50 / 200"),
        (
            f"{name}: a row for a new hint meanwhile, ms, p50 / p99 (reference: before)",
            pair(figures["during_ms"]),
            pair(figures["before_ms"]),
            "",
        ),
        (f"{name}: all {2 * ROWS:,} rows, s", f"{figures['all_s']:.0f}", "–", ""),
    ]


def site(url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as data:
        own = {"HINTLINE_DATA": data, "DJANGO_SETTINGS_MODULE": "web.settings"}
        env = {key: value for key, value in os.environ.items() if not key.startswith("HINTLINE_")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.retention"],
            env=env | own | ({"DATABASE_URL": url} if url else {}),
            stdout=subprocess.PIPE,
            check=True,
        )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from web.ops import retention

    call_command("migrate", verbosity=0)
    fill()
    ask = asker()
    before = [ask() for _ in range(ASKED)]
    results = next(kind for kind in retention.KINDS if kind.name == "task results")
    batches = [timed(lambda: retention.sweep(results)) for _ in range(30)]
    began_s = perf_counter()
    retain = subprocess.Popen([sys.executable, "-m", "web", "retain"], stdout=sys.stderr)
    during = []
    while retain.poll() is None:
        during.append(ask())
    figures = {"before_ms": before, "during_ms": during, "batch_ms": batches}
    print(json.dumps(figures | {"all_s": perf_counter() - began_s}))


def fill() -> None:
    from axes.models import AccessLog
    from django.utils import timezone
    from django_celery_results.models import TaskResult

    long_ago = timezone.now() - timedelta(days=1000)
    text = json.dumps({"hint": "x" * 36, "engine": "gpu0", "state": "answered"} | {"error": ""})
    for first in range(0, ROWS, 10_000):
        numbers = range(first, first + 10_000)
        TaskResult.objects.bulk_create(
            TaskResult(task_id=f"{n:036}-1", status="SUCCESS", result=text, worker="gpu0@here")
            for n in numbers
        )
        AccessLog.objects.bulk_create(
            AccessLog(username=f"student{n}", user_agent="Mozilla/5.0" * 8) for n in numbers
        )
    TaskResult.objects.update(date_done=long_ago)
    AccessLog.objects.update(attempt_time=long_ago)


def asker() -> Any:
    """A call that writes a row for a new hint and ends it: the milliseconds of the writing."""
    from tests.web.kit import new_hint
    from web.courses.models import Course, Exercise
    from web.hints import store
    from web.people.models import User

    course = Course.objects.create(slug="bench", title_ko="b", title_en="b")
    exercise = Exercise.objects.create(course=course, slug="bench", tests="assert True")
    student = User.objects.create_user("bench")

    def ask() -> float:
        made: list[Any] = []
        took_ms = timed(lambda: made.append(store.create(new_hint(student, exercise))))
        store.cancel(str(made[0].hint.pk))
        sleep(GAP_S)
        return took_ms

    return ask


def timed(work: Any) -> float:
    began_s = perf_counter()
    work()
    return (perf_counter() - began_s) * 1000


if __name__ == "__main__":
    main()
