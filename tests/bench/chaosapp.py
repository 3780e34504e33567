"""The students of the chaos bench, and the judge of what they got; programs of their own.

python -m tests.bench.chaosapp ask COUNT: asks, and prints how many hints are final, until all are;
then, as JSON, how many streams told what at that time.
python -m tests.bench.chaosapp judge: prints as JSON what became of the hints.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import django

from tests.fakes import vllm_text

OPEN = 150
"""Hints in flight at any time."""
LOOK_S = 0.25
SETTLED_S = 1.0
"""The row is final before its stream ends."""
STUCK_S = 240.0
"""Without one more final hint for so long, something is lost."""


def ask(count: int) -> None:
    from django.utils import timezone

    from web.courses.models import Exercise
    from web.hints.models import Hint
    from web.people.models import User

    exercises = list(Exercise.objects.order_by("pk"))
    students = User.objects.bulk_create(
        [User(username=f"chaos{n}") for n in range(-(-count // len(exercises)))]
    )
    watched: Counter[str] = Counter()
    final: set[UUID] = set()
    asked, moved_s = 0, time.monotonic()
    while len(final) < count and time.monotonic() < moved_s + STUCK_S:
        for number in range(asked, min(count, len(final) + OPEN)):
            student = students[number % len(students)]
            ask_one(student, exercises[number // len(students)], number)
            asked += 1
        ended = timezone.now() - timedelta(seconds=SETTLED_S)
        for row in Hint.objects.filter(finished_at__lt=ended).exclude(pk__in=final):
            final.add(row.pk)
            watched[seen(row)] += 1
            moved_s = time.monotonic()
        print(len(final), flush=True)
        time.sleep(LOOK_S)
    print(json.dumps(watched), flush=True)


def ask_one(student: Any, exercise: Any, number: int) -> None:
    """As the API does it, without its limits; each hint's prompt is unlike any other."""
    from web.hints import backlog, creation, store, submissions
    from web.hints.api import new_hint
    from web.hints.wire import HintIn
    from web.tutor.evidence.report import Report, Verdict

    body = HintIn(
        exercise=exercise.path,
        level=1 + number % 3,
        code=f"{exercise.starter}\n# attempt no. {number}\n",
        locale=("en", "ko")[number % 2],
    )
    report = Report(verdict=Verdict.FAILED, total=1)
    program = submissions.keep(submissions.ran(student, exercise, body.code, report))
    created = store.create(new_hint(program, body, key="", free=True))
    assert isinstance(created, creation.Created)
    backlog.join(created.hint)


def judge() -> None:
    from django_celery_results.models import TaskResult

    from broker.contract.hint import FINAL, State
    from web.hints.models import Hint

    rows = list(Hint.objects.select_related("exercise").order_by("pk"))
    answered = [row for row in rows if row.state == State.ANSWERED]
    ends = Counter(finished(TaskResult.objects.values_list("result", flat=True)))
    judged = {
        "hints": len(rows),
        "states": Counter(row.state for row in rows),
        "reasons": Counter(row.reason for row in rows if row.reason),
        "attempts": Counter(row.attempt for row in rows),
        "engines": Counter(row.engine for row in rows),
        "lost": [str(row.pk) for row in rows if row.state not in FINAL],
        "doubled": [hint for hint, count in ends.items() if count > 1],
        "wrong": [str(row.pk) for row in answered if row.text not in written(row)],
    }
    print(json.dumps(judged))


def seen(row: Any) -> str:
    """What the stream of a hint that just became final tells who opens it now."""
    from broker import streams
    from broker.contract.events import EventKind
    from web.link import attempt

    events = attempt(streams.after(str(row.pk)))
    if not events:
        return "nothing"
    text = ""
    for event in events:
        if event.kind is EventKind.RESET:
            text = ""
        elif event.kind is EventKind.PIECE:
            text += json.loads(event.data)["text"]
    if row.state != "answered":
        return row.state
    if text == row.text:
        return "the words of the row"
    if events[0].id.seq > 1 and row.text.endswith(text):
        return "the rest of the words, after a wipe"
    if events[-1].kind is EventKind.DONE:
        return "other words"
    return "words without an end" if row.text.startswith(text) else "other words without an end"


def finished(results: Iterable[str]) -> list[str]:
    """The hint of each task that said it had finished one."""
    from broker.contract.hint import FINAL

    found = [json.loads(result) for result in results if result]
    return [each["hint"] for each in found if each and each.get("state") in FINAL]


def written(row: Any) -> set[str]:
    """What an engine, of whichever voice, writes for this hint in one attempt."""
    from broker.contract.job import Endpoint, Sampling
    from web.engines.roster import Serving
    from web.hints import jobs
    from web.tutor.writing import prompt
    from workers.attempt.asking import prompt_task

    serving = Serving(Endpoint(base_url="", model=""), Sampling(), judge=None, diagnoses=False)
    job = jobs.job(row, serving, streams=False)
    messages: Any = prompt.build(prompt_task(job), nonce="0" * 8)
    return {vllm_text.answer(messages, voice) for voice in vllm_text.VOICES}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    django.setup()
    verb, *rest = sys.argv[1:]
    if verb == "ask":
        ask(int(rest[0]))
    else:
        judge()
