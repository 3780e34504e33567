"""Real buggy programs, asked about through the API of a running site as a student would."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from threading import Lock
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import httpx2
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum
from django.utils.text import slugify

from broker.base.settings import need
from broker.contract.hint import FINAL, State
from web.courses.models import Course, Exercise, Membership
from web.courses.texts import columns, in_columns
from web.hints.models import Hint, ModelCall
from web.people.models import ApiToken, User
from web.people.tokens import fresh
from web.tutor.languages import OPERATORS
from web.tutor.levels import LEVELS

BAR = 40
COURSE = "replay"
REQUEST_S = 30.0
HINT_S = 600.0
AGAIN_S = 1.0
turn = Lock()
"""A site runs one program of a user at a time, and all of these are one user's."""
KEYS = ("id", "title", "problem_statement", "buggy_code", "tests", "bug_fix")


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


class Command(BaseCommand):
    help = "Ask hints for the programs of a JSONL file through the API of a running site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--limit", type=int, help="only the first N records")
        parser.add_argument("--level", type=int, choices=[*LEVELS], default=min(LEVELS))
        parser.add_argument("--at-once", type=int, default=8, help="students at the same time")
        parser.add_argument("--out", type=Path, default=Path("replay.jsonl"))
        parser.add_argument("--url", default=f"http://127.0.0.1:{need('HINTLINE_PORT', int)}")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = list(records(options["file"], options["limit"]))
        except OSError as error:
            raise CommandError(str(error)) from error
        url = options["url"]
        try:
            outcomes = self.play(rows, url, options["level"], options["at_once"])
        except httpx2.ConnectError as error:
            raise CommandError(f"{url} does not answer: start it first (make run)") from error
        self.stdout.write("")
        write(outcomes, options["out"])
        self.table(outcomes)
        self.stdout.write(f"Each record: {options['out']}")
        if left := unfinished(outcomes):
            raise CommandError(f"{len(left)} hints have no final state, first: {left[0].hint}")

    def play(
        self, rows: list[dict[str, Any]], url: str, level: int, at_once: int
    ) -> list[Replayed]:
        """Every record at every level up to this one, as the ladder asks."""
        headers = {"Authorization": f"Bearer {prepare(rows)}", "Accept-Language": OPERATORS}
        outcomes: list[Replayed] = []
        with (
            httpx2.Client(base_url=url, headers=headers, timeout=REQUEST_S) as client,
            ThreadPoolExecutor(at_once) as students,
        ):
            climbs = [students.submit(climb, client, row, level) for row in rows]
            for seen, done in enumerate(as_completed(climbs), start=1):
                outcomes += done.result()
                filled = BAR * seen // len(rows)
                bar = "#" * filled + "-" * (BAR - filled)
                self.stdout.write(f"\r[{bar}] {seen}/{len(rows)}", ending="")
                self.stdout.flush()
        return outcomes

    def table(self, outcomes: list[Replayed]) -> None:
        hints = [UUID(one.hint) for one in outcomes if one.hint]
        self.counts("state", (one.state for one in outcomes))
        self.counts("reason", (one.reason or "-" for one in outcomes))
        self.counts("source", (one.source or "-" for one in outcomes))
        judged = ModelCall.objects.filter(attempt__hint__in=hints).exclude(verdict="")
        self.counts("gate, a model answer", judged.values_list("verdict", flat=True))
        self.times("wait, s", (one.wait_s for one in outcomes))
        self.times("first piece, s", (one.first_piece_s for one in outcomes))
        self.times("total, s", (one.total_s for one in outcomes))
        sums = Hint.objects.filter(pk__in=hints).aggregate(
            prompt=Sum("prompt_tokens", default=0), completion=Sum("completion_tokens", default=0)
        )
        self.row("tokens", f"prompt {sums['prompt']}, completion {sums['completion']}")

    def counts(self, name: str, values: Iterable[str]) -> None:
        self.row(name, ", ".join(f"{key} {n}" for key, n in Counter(values).most_common()))

    def times(self, name: str, values: Iterable[float | None]) -> None:
        known = sorted(value for value in values if value is not None)
        if len(known) < 2:
            self.row(name, f"{len(known)} values")
            return
        cuts = quantiles(known, n=20, method="inclusive")
        text = f"p50 {cuts[9]:.2f}  p95 {cuts[18]:.2f}  max {known[-1]:.2f}  ({len(known)} values)"
        self.row(name, text)

    def row(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:22}{text}")


def records(path: Path, limit: int | None) -> Iterator[dict[str, Any]]:
    """Raises: CommandError naming a line that is not JSON or lacks one of KEYS."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if limit is not None and number > limit:
                return
            try:
                record = json.loads(line)
                yield {key: record[key] for key in KEYS}
            except (ValueError, KeyError, TypeError) as error:
                text = f"{path}:{number}: {error!r}; needed: {', '.join(KEYS)}"
                raise CommandError(text) from None


def prepare(rows: list[dict[str, Any]]) -> str:
    """Course, exercises and a student for these records; answers the student's API token."""
    titles = in_columns("title", {"ko": "재생", "en": "Replay"})
    course, _ = Course.objects.get_or_create(slug=COURSE, defaults=titles | {"ladder": False})
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


def climb(client: httpx2.Client, row: dict[str, Any], level: int) -> list[Replayed]:
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
        if answer.status_code not in (429, 503) or monotonic() - began_s > HINT_S:
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
