"""A million hints, attempts and model calls on PostgreSQL: the lists of operations and the admin.

`python -m tests.bench.lists COUNT` is the site: it measures in the database of its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.table import Row, at, markdown
from tests.postgres import Postgres, programs

ROWS = 1_000_000
STUDENTS, IN_FLIGHT = 200, 5_000
TIMES = 7
ACTED = 100_000
HEADING = ("what", "p50 / max, ms", "queries", "wanted")
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT set_config")
RARE_RULE, RARE_MODEL, RARE_WORD = "R9", "tried-once", "CUDA"
Asked = tuple[str, str, int]
"""Name, query and the most milliseconds of a page."""

SUBMISSIONS = """
    INSERT INTO hints_submission
        (student_id, exercise_id, code, fingerprint, report, source, created_at)
    SELECT
        %(student)s + CASE WHEN new THEN k %% %(students)s ELSE floor(%(students)s * a * a) END,
        %(exercise)s + CASE WHEN new THEN k / %(students)s ELSE floor(30 * b * b) END,
        repeat('total = total + number' || chr(10), 12), md5(n::text),
        '{"verdict": "wrong", "cases": [{"call": "add(1, 2)", "got": "4", "want": "3"}]}', 'here',
        now() - interval '700 days' * (1 - n / %(rows)s::float)
    FROM (
        SELECT n, n - (%(rows)s - %(in_flight)s) - 1 AS k, n > %(rows)s - %(in_flight)s AS new,
        random() AS a, random() AS b
        FROM generate_series(1, %(rows)s) AS n
    ) AS made
"""
HINTS = """
    INSERT INTO hints_hint (
        id, student_id, exercise_id, submission_id, level, locale, question, prefix, prefix_tokens,
        lane, state, attempt, engine, text, partial, source, reason, prompt_tokens,
        completion_tokens, cached_tokens, charge, created_at, claimed_at, first_piece_at,
        finished_at, idempotency_key, request_hash, helpful, comment, reflection
    )
    SELECT
        gen_random_uuid(), student_id, exercise_id, id, 1 + floor(4 * a * a),
        CASE WHEN b < 0.8 THEN 'ko' ELSE 'en' END, '', 'p', 900, 'interactive', state, 1, engine,
        CASE WHEN ended THEN repeat('What does the loop add up? ', 8) ELSE '' END, '',
        CASE WHEN state = 'answered' THEN 'model' WHEN NOT ended OR state = 'cancelled' THEN 'none'
        WHEN c < 0.001 THEN 'authored' ELSE 'evidence' END,
        CASE WHEN state = 'withheld' THEN 'leak' WHEN state = 'cancelled' THEN 'cancelled'
        WHEN state = 'failed' AND c < 0.001 THEN 'only_thoughts'
        WHEN state = 'failed' AND c < 0.5 THEN 'quota' WHEN state = 'failed' THEN 'model_timeout'
        ELSE '' END,
        1100 + floor(300 * a), CASE WHEN ended THEN 60 + floor(100 * b) ELSE 0 END, 900, 1,
        created_at, created_at + interval '1 second' * d,
        CASE WHEN state = 'answered' THEN created_at + interval '1 second' * (1 + d + late) END,
        CASE WHEN ended THEN created_at + interval '1 second' * (3 + d + late) END,
        '', md5(id::text), CASE WHEN a < 0.1 THEN true WHEN a < 0.13 THEN false END, '', ''
    FROM (
        SELECT *, 9 * d ^ 40 AS late,
        CASE WHEN old THEN
            CASE WHEN r < 0.86 THEN 'answered' WHEN r < 0.92 THEN 'withheld'
            WHEN r < 0.97 THEN 'failed' ELSE 'cancelled' END
        WHEN r < 0.9 THEN 'queued' ELSE 'running' END AS state, old AS ended,
        'gpu' || CASE WHEN c < 0.00005 THEN 5 ELSE floor(5 * c * c) END AS engine
        FROM (
            SELECT id, student_id, exercise_id, created_at,
            row_number() OVER (ORDER BY id) <= %(rows)s - %(in_flight)s AS old,
            random() AS r, random() AS a, random() AS b, random() AS c, random() AS d
            FROM hints_submission
        ) AS drawn
    ) AS made
"""
ATTEMPTS = """
    INSERT INTO hints_attempt
        (hint_id, number, engine, started_at, first_piece_at, finished_at, failure, error)
    SELECT id, 1, engine, claimed_at, first_piece_at, finished_at,
        CASE WHEN r < 0.02 THEN 'timeout' ELSE '' END,
        CASE WHEN r < 0.00002 THEN 'CUDA error: device-side assert triggered'
        WHEN r < 0.02 THEN 'silent for 30 s' ELSE '' END
    FROM (SELECT *, random() AS r FROM hints_hint ORDER BY created_at) AS made
"""
CALLS = """
    INSERT INTO hints_modelcall (
        attempt_id, purpose, model, template_version, parameters, prompt_tokens, completion_tokens,
        cached_tokens, verdict, probability, text, created_at
    )
    SELECT id, 'write',
        CASE WHEN a < 0.00005 THEN 'tried-once' WHEN a < 0.7 THEN 'Qwen/Qwen3-Coder-30B-A3B'
        ELSE 'LGAI-EXAONE/EXAONE-4.0-32B' END,
        '12', '{"max_tokens": 200, "temperature": 0.3}', 1100, 80, 900,
        CASE WHEN r < 0.00003 THEN 'R9' WHEN r < 0.1 THEN 'R' || 1 + floor(80 * r)
        ELSE 'passed' END,
        NULL,
        CASE WHEN id > %(rows)s * 0.95 THEN repeat('What does it add up? ', 15) ELSE '' END,
        started_at
    FROM (SELECT *, random() AS r, random() AS a FROM hints_attempt ORDER BY id) AS made
"""
RESULTS = """
    INSERT INTO django_celery_results_taskresult (
        task_id, task_name, status, worker, content_type, content_encoding, result, date_created,
        date_done
    )
    SELECT id || '-1', 'generate_hint', 'SUCCESS', engine || '@here', 'application/json', 'utf-8',
        '{"state": "answered", "calls": 1, "prompt_tokens": 1100}', created_at, created_at
    FROM hints_hint ORDER BY created_at
"""
WAITING = """
    INSERT INTO hints_hint (
        id, student_id, exercise_id, submission_id, level, locale, question, prefix, prefix_tokens,
        lane, state, attempt, engine, text, partial, source, reason, prompt_tokens,
        completion_tokens, cached_tokens, charge, created_at, idempotency_key, request_hash,
        comment, reflection
    )
    SELECT
        gen_random_uuid(), %(student)s + n / 30, %(exercise)s + n %% 30, submission, 1, 'ko', '',
        'p', 900, 'interactive', 'queued', 0, '', '', '', 'none', '', 0, 0, 0, 1, now(), '',
        md5(n::text), '', ''
    FROM generate_series(0, %(count)s - 1) AS n,
        (SELECT min(id) AS submission FROM hints_submission) AS one
"""
"""A hint each for as many students and exercises: none may have two in flight for one exercise."""
FILL = (SUBMISSIONS, HINTS, ATTEMPTS, CALLS, RESULTS)


def table() -> str:
    return markdown(rows(), HEADING)


def rows() -> list[Row]:
    folder = programs()
    assert folder, "PostgreSQL is not installed: sudo apt-get install postgresql"
    server = Postgres(Path(tempfile.mkdtemp(prefix="hl-")), folder)
    server.start()
    try:
        server.create_database()
        found = site(server.url)
    finally:
        server.stop()
    return [tuple(row) for row in found]


def site(url: str) -> list[list[str]]:
    with tempfile.TemporaryDirectory(prefix="hl-") as data:
        own = {"HINTLINE_DATA": data, "DJANGO_SETTINGS_MODULE": "web.settings"}
        env = {key: value for key, value in os.environ.items() if not key.startswith("HINTLINE_")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.lists", str(ROWS)],
            env=env | own | {"DATABASE_URL": url},
            stdout=subprocess.PIPE,
            check=True,
        )
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from broker.embedded import Embedded
    from web.people.models import User

    call_command("migrate", verbosity=0)
    began_s = perf_counter()
    fill(int(sys.argv[1]))
    told(f"filled in {perf_counter() - began_s:.0f} s")
    client = Client(headers={"Accept-Language": "en"}, SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("root"))
    found = [timed(client, name, path, most) for name, path, most in asked()]
    with Embedded(Path(settings.DATA)):
        found += [*exported(client), *acted(client)]
    print(json.dumps(found))


def told(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fill(count: int) -> None:
    from django.db import connection

    from web.courses.models import Course, Exercise
    from web.engines.models import Engine, Mode
    from web.people.models import User

    User.objects.bulk_create(User(username=f"student{n:03}") for n in range(STUDENTS))
    for name in ("basics", "loops", "strings"):
        course = Course.objects.create(slug=name, title_ko=name, title_en=name)
        Exercise.objects.bulk_create(
            Exercise(course=course, slug=f"{name}-{n}", tests="assert True") for n in range(10)
        )
    for n in range(6):
        Engine.objects.create(name=f"gpu{n}", kind=Mode.VLLM)
    of = {
        "rows": count, "students": STUDENTS, "in_flight": min(IN_FLIGHT, count // 10),
        "student": User.objects.earliest("pk").pk, "exercise": Exercise.objects.earliest("pk").pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for sql in FILL:
            began_s = perf_counter()
            cursor.execute(sql, of)
            told(f"{sql.split()[2]}: {perf_counter() - began_s:.0f} s")
        cursor.execute("VACUUM ANALYZE")
        # The pages would else wait for the disk of what was filled.
        cursor.execute("CHECKPOINT")


def asked() -> list[tuple[str, str, int]]:
    """Name, address and the most milliseconds of each page."""
    from web.hints.models import Hint
    from web.ops.hints.walk import Position, Walk

    ahead = Walk().ahead(Hint.objects.only("created_at"))
    near, deep = (Position.of(ahead[number]) for number in (5_000, Hint.objects.count() // 2))
    one = ahead.exclude(state__in=("queued", "running"))[0]
    half = one.created_at.year - 1
    lists = [
        ("the newest", "", 150),
        ("5,000 hints further", f"older={near}", 150),
        ("in the middle", f"older={deep}", 150),
        ("from there towards newer ones", f"newer={deep}", 150),
        ("state: failed", "state=failed", 500),
        ("state: queued", "state=queued", 500),
        ("state: answered, in the middle", f"state=answered&older={deep}", 500),
        ("source: evidence", "source=evidence", 500),
        ("source: authored, 1 of 10,000", "source=authored", 500),
        ("reason: leak", "reason=leak", 500),
        ("reason: 1 of 20,000", "reason=only_thoughts", 500),
        ("reason that no hint has", "reason=expired", 500),
        ("engine: 3 of 10", "engine=gpu1", 500),
        ("engine: 1 of 20,000", "engine=gpu5", 500),
        ("engine that there is not", "engine=gpu77", 500),
        ("level", "level=3", 500),
        ("language", "locale=en", 500),
        ("course", "course=strings", 500),
        ("exercise", "exercise=strings-9", 500),
        ("student, the busiest", "student=student000", 500),
        ("student, the quietest", "student=student199", 500),
        ("every student", "student=student", 500),
        ("student, no hint of whom has the state", "student=student199&state=running", 500),
        ("model", "model=LGAI-EXAONE/EXAONE-4.0-32B", 500),
        ("model: 1 call of 20,000", f"model={RARE_MODEL}", 500),
        ("rule: 1 of 80", "verdict=R3", 500),
        ("rule: 1 of 30,000", f"verdict={RARE_RULE}", 500),
        ("rule that nobody broke", "verdict=R77", 500),
        ("rule and model", f"verdict=R3&model={RARE_MODEL}", 500),
        ("an hour of last year", f"since={half}-07-01T10:00&until={half}-07-01T11:00", 500),
        ("until last year", f"until={half}-07-01T10:00", 500),
        ("first words later than 5 s", "slower=5", 500),
        ("later than 60 s, which none was", "slower=60", 500),
        ("five filters", "state=failed&engine=gpu1&level=2&locale=ko&course=loops", 500),
        ("search: id", f"q={one.pk}", 500),
        ("search: username", "q=student120", 500),
        ("search: word of 2 errors in 100", "q=silent", 500),
        ("search: word of a rare error", f"q={RARE_WORD}", 500),
        ("search: word of no error", "q=nowhere", 500),
    ]
    calls, tasks = records(half)
    admin = [
        ("admin, hints", "/admin/hints/hint/"),
        ("admin, hints, page 50", "/admin/hints/hint/?p=50"),
        ("admin, hints, state: failed", "/admin/hints/hint/?state__exact=failed"),
        ("admin, submissions", "/admin/hints/submission/"),
        ("admin, task results", "/admin/django_celery_results/taskresult/"),
    ]
    return [
        *((f"list: {name}", f"/ops/hints/?{query}", most) for name, query, most in lists),
        *((f"requests: {name}", f"/ops/calls/?{query}", most) for name, query, most in calls),
        *((f"tasks: {name}", f"/ops/tasks/?{query}", most) for name, query, most in tasks),
        ("a hint", f"/ops/hints/{one.pk}/", 150),
        *((name, path, 150) for name, path in admin),
    ]


def records(half: int) -> tuple[list[Asked], list[Asked]]:
    """Of the requests to models and of Celery's records, as of the list of hints. half: a year."""
    from django_celery_results.models import TaskResult

    from web.hints.models import Hint, ModelCall

    middle = ModelCall.objects.count() // 2
    call, task = (
        rows.order_by("-pk")[middle].pk for rows in (ModelCall.objects, TaskResult.objects)
    )
    hint = Hint.objects.order_by("created_at")[middle].pk
    hour = f"since={half}-07-01T10:00&until={half}-07-01T11:00"
    calls = [
        ("the newest", "", 150),
        ("in the middle", f"older={call}", 150),
        ("from there towards newer ones", f"newer={call}", 150),
        ("purpose: write", "purpose=write", 500),
        ("purpose that none has", "purpose=judge", 500),
        ("model", "model=LGAI-EXAONE/EXAONE-4.0-32B", 500),
        ("model: 1 of 20,000", f"model={RARE_MODEL}", 500),
        ("engine: 3 of 10", "engine=gpu1", 500),
        ("engine: 1 of 20,000", "engine=gpu5", 500),
        ("engine that there is not", "engine=gpu77", 500),
        ("rule: 1 of 80", "verdict=R3", 500),
        ("rule: 1 of 30,000", f"verdict={RARE_RULE}", 500),
        ("rule that nobody broke", "verdict=R77", 500),
        ("rule, model and engine", f"verdict=R3&model={RARE_MODEL}&engine=gpu1", 500),
        ("an hour of last year", hour, 500),
        ("until last year", f"until={half}-07-01T10:00", 500),
        ("until last year, in the middle", f"until={half}-07-01T10:00&older={call}", 500),
    ]
    tasks = [
        ("the newest", "", 150),
        ("in the middle", f"older={task}", 150),
        ("from there towards newer ones", f"newer={task}", 150),
        ("status: SUCCESS", "status=SUCCESS", 500),
        ("status that none has", "status=FAILURE", 500),
        ("worker: 3 of 10", "worker=gpu1", 500),
        ("worker: 1 of 20,000", "worker=gpu5", 500),
        ("worker that there is not", "worker=gpu77", 500),
        ("hint", f"hint={hint}", 500),
        ("an hour of last year", hour, 500),
        ("until last year", f"until={half}-07-01T10:00", 500),
        ("worker and hour", f"worker=gpu5&{hour}", 500),
    ]
    return calls, tasks


def timed(client: Any, name: str, path: str, most: int) -> Row:
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext

    path = path.replace(" ", "%20").replace("+", "%2B")
    with CaptureQueriesContext(connection):
        reset_queries()
        client.get(path)
        # The next request makes the list empty.
        count = sum(not each["sql"].startswith(CONTROL) for each in connection.queries)
    took = [clocked(lambda: client.get(path)) for _ in range(TIMES)]
    took_ms, answer = [each for each, _ in took], took[0][1]
    assert answer.status_code == 200, path
    stopped = " (stopped)" if b"The search stopped" in answer.content else ""
    row = (
        name + stopped, f"{at(took_ms, 0.5):.0f} / {max(took_ms):.0f}", str(count),
        f"≤ {most} ms, ≤ 12",
    )  # fmt: skip
    told(" | ".join(row))
    return row


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    began_s = perf_counter()
    answer = work()
    return (perf_counter() - began_s) * 1000, answer


def exported(client: Any) -> list[Row]:
    began_s = perf_counter()
    answer = client.post("/ops/hints/export/", {"format": "csv", "state": "failed"})
    lines = sum(part.count(b"\n") for part in answer.streaming_content)
    took_s = perf_counter() - began_s
    return [("export of the failed ones, hints a second", f"{lines / took_s:,.0f}", "", "")]


def acted(client: Any) -> list[Row]:
    """Deletes and cancels, as the page of an action does."""
    from web.hints.models import Hint

    most = min(ACTED, Hint.objects.count() // 10)
    wait(most)
    until = Hint.objects.order_by("created_at")[most].created_at
    found = []
    for name, body in (
        ("delete", {"do": "delete", "until": f"{until:%Y-%m-%dT%H:%M}"}),
        ("cancel", {"do": "cancel", "course": "crowd"}),
    ):
        path = client.post("/ops/hints/act/", body)["Location"]
        steps, began_s, now = [], perf_counter(), {"running": True}
        while now["running"]:
            took_ms, answer = clocked(partial(client.post, path))
            steps.append(took_ms)
            now = answer.json()
        took_s = perf_counter() - began_s
        name = f"{name} {now['passed']:,} hints in {took_s:.0f} s, {len(steps):,} requests"
        row = (name, f"{at(steps, 0.5):.0f} / {max(steps):.0f}", "", "≤ 1000 ms")
        told(" | ".join(row))
        found.append(row)
    return found


def wait(count: int) -> None:
    """So many hints more, of a course of their own, in the database and in the backlog."""
    from django.db import connection

    from broker import dispatch
    from broker.dispatch import Ticket
    from web.courses.models import Course, Exercise
    from web.hints.models import Hint
    from web.link import broker
    from web.people.models import User

    course = Course.objects.create(slug="crowd", title_ko="crowd", title_en="crowd")
    for n in range(30):
        Exercise.objects.create(course=course, slug=f"crowd-{n}", tests="assert True")
    User.objects.bulk_create(User(username=f"crowd{n:04}") for n in range(count // 30 + 1))
    of = {
        "count": count, "student": User.objects.get(username="crowd0000").pk,
        "exercise": Exercise.objects.get(slug="crowd-0").pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WAITING, of)
        cursor.execute("VACUUM ANALYZE hints_hint")
    rows = Hint.objects.filter(exercise__course=course).values_list("pk", "student_id")
    calls = [
        dispatch.admit(
            Ticket(
                hint=str(pk), attempt=0, prefix="p", lane="interactive", student=str(student),
                course="crowd",
            )
        )
        for pk, student in rows
    ]  # fmt: skip
    for start in range(0, len(calls), 1000):
        broker().run_many(calls[start : start + 1000])
    told(f"{len(calls):,} hints wait")


if __name__ == "__main__":
    main()
