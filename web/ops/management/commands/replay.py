from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

import httpx2
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum

from broker.base.errors import HintlineError
from broker.base.settings import need
from web.hints.models import Hint, ModelCall
from web.ops import replay
from web.tutor.levels import LEVELS

BAR = 40


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
            rows = list(replay.records(options["file"], options["limit"]))
        except (HintlineError, OSError) as error:
            raise CommandError(str(error)) from error
        self.total, self.seen = len(rows), 0
        token = replay.prepare(rows)
        url, level = options["url"], options["level"]
        try:
            outcomes = replay.play(rows, level, url, token, options["at_once"], self.bar)
        except httpx2.ConnectError as error:
            raise CommandError(f"{url} does not answer: start it first (make run)") from error
        self.stdout.write("")
        replay.write(outcomes, options["out"])
        self.table(outcomes)
        self.stdout.write(f"Each record: {options['out']}")
        left = replay.unfinished(outcomes)
        if left:
            raise CommandError(f"{len(left)} hints have no final state, first: {left[0].hint}")

    def bar(self) -> None:
        self.seen += 1
        filled = BAR * self.seen // self.total
        bar = "#" * filled + "-" * (BAR - filled)
        self.stdout.write(f"\r[{bar}] {self.seen}/{self.total}", ending="")
        self.stdout.flush()

    def table(self, outcomes: list[replay.Replayed]) -> None:
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
            prompt=Sum("prompt_tokens"), completion=Sum("completion_tokens")
        )
        self.row("tokens", f"prompt {sums['prompt'] or 0}, completion {sums['completion'] or 0}")

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
