"""Feeds real buggy programs through the public API as a student would, and measures what comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx2
from django.utils.text import slugify

from broker.base.errors import HintlineError
from broker.contract.hint import FINAL, State
from web.courses.models import Course, Exercise, Membership
from web.courses.texts import columns, in_columns
from web.people.models import ApiToken, User
from web.people.tokens import fresh
from web.tutor.languages import OPERATORS
from web.tutor.levels import LEVELS

COURSE = "replay"
TITLE = {"ko": "재생", "en": "Replay"}
REQUEST_S = 30.0
HINT_S = 600.0
AGAIN_S = 1.0
NOT_NOW = (429, 503)
turn = Lock()
"""A site runs one program of a user at a time, and all of these are one user's."""
KEYS = ("id", "title", "problem_statement", "buggy_code", "tests", "bug_fix")


class BadRecord(HintlineError):
    """A line of the file is no record; the text names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One hint as the student lived it. Times in seconds from the request; None: it never came."""

    record: str
    level: int
    state: str
    source: str = ""
    reason: str | None = None
    hint: str = ""
    wait_s: float | None = None
    first_piece_s: float | None = None
    total_s: float | None = None
    text: str = ""


def records(path: Path, limit: int | None) -> Iterator[dict[str, Any]]:
    """Raises: BadRecord for a line that is not JSON or lacks one of KEYS."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if limit is not None and number > limit:
                return
            try:
                record = json.loads(line)
                yield {key: record[key] for key in KEYS}
            except (ValueError, KeyError, TypeError) as error:
                raise BadRecord(f"{path}:{number}: {error!r}; needed: {', '.join(KEYS)}") from None


def prepare(rows: list[dict[str, Any]]) -> str:
    """Course, exercises and a student for these records; answers the student's API token."""
    course, _ = Course.objects.get_or_create(slug=COURSE, defaults=in_columns("title", TITLE))
    for row in rows:
        Exercise.objects.update_or_create(
            course=course,
            slug=slugify(row["id"]),
            defaults={
                **dict.fromkeys(columns("title"), row["title"]),
                **dict.fromkeys(columns("statement"), row["problem_statement"]),
                "tests": "\n".join(row["tests"]),
                "reference": row["bug_fix"],
            },
        )
    student, _ = User.objects.get_or_create(username=COURSE)
    # The batch lane is for teachers: a replay should slow no student down.
    Membership.objects.update_or_create(
        user=student, course=course, defaults={"role": Membership.Role.TEACHER}
    )
    token = ApiToken(user=student, name="replay")
    text = fresh(token)
    # Nobody has kept the text of an earlier replay's token, so that token is of no use.
    ApiToken.objects.filter(user=student, name="replay").delete()
    token.save()
    return text


def play(
    rows: list[dict[str, Any]],
    level: int,
    url: str,
    token: str,
    at_once: int,
    done: Callable[[], None],
) -> list[Replayed]:
    """Every record at every level up to this one, as the ladder asks; done: after each record."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": OPERATORS}
    outcomes: list[Replayed] = []
    with (
        httpx2.Client(base_url=url, headers=headers, timeout=REQUEST_S) as client,
        ThreadPoolExecutor(at_once) as students,
    ):
        for future in as_completed(students.submit(ladder, client, row, level) for row in rows):
            outcomes += future.result()
            done()
    return outcomes


def ladder(client: httpx2.Client, row: dict[str, Any], level: int) -> list[Replayed]:
    return [ask(client, row, rung) for rung in LEVELS if rung <= level]


def ask(client: httpx2.Client, row: dict[str, Any], level: int) -> Replayed:
    """One hint, from the request to its final row."""
    started = monotonic()
    body = {
        "exercise": f"{COURSE}/{slugify(row['id'])}",
        "level": level,
        "code": row["buggy_code"],
        "locale": "en",
        "lane": "batch",
    }
    answer = posted(client, body)
    if answer.status_code != 202:
        problem = answer.json().get("type", "").rpartition(":")[2]
        return Replayed(record=row["id"], level=level, state=f"refused: {problem}")
    hint = answer.json()
    times = follow(client, hint["links"]["events"], started)
    final = client.get(hint["links"]["self"]).json()
    return Replayed(
        record=row["id"],
        level=level,
        hint=final["id"],
        state=final["state"],
        source=final["source"],
        reason=final["reason"],
        wait_s=times.get("started"),
        first_piece_s=times.get("piece"),
        total_s=times.get("done"),
        text=final["text"],
    )


def posted(client: httpx2.Client, body: dict[str, Any]) -> httpx2.Response:
    """The answer of a site that has room; one that has none says when to come again."""
    # With one key for all tries, a repeated POST asks for the same hint again, not for a second
    # one.
    headers, began_s = {"Idempotency-Key": str(uuid4())}, monotonic()
    while True:
        with turn:
            answer = client.post("/v1/hints", json=body, headers=headers)
        if answer.status_code not in NOT_NOW or monotonic() - began_s > HINT_S:
            return answer
        sleep(float(answer.headers.get("Retry-After", AGAIN_S)))


def follow(client: httpx2.Client, events_url: str, started: float) -> dict[str, float]:
    """Seconds at which each kind of event first came; the stream is opened again if it breaks."""
    times: dict[str, float] = {}
    while "done" not in times and monotonic() - started < HINT_S:
        with suppress(httpx2.TransportError), client.stream("GET", events_url) as stream:
            if stream.status_code == 204:
                times.setdefault("done", monotonic() - started)
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    times.setdefault(line[7:], monotonic() - started)
        if "done" not in times:
            sleep(AGAIN_S)
    return times


def write(outcomes: list[Replayed], path: Path) -> None:
    lines = (json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in outcomes)
    path.write_text("".join(lines), encoding="utf-8")


def unfinished(outcomes: list[Replayed]) -> list[Replayed]:
    return [one for one in outcomes if one.hint and State(one.state) not in FINAL]
