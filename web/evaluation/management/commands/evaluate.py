"""python -m web evaluate: what a model can do, measured; the licence that it should have."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from rich.console import Console
from rich.table import Table

from broker.base.errors import HintlineError
from web.engines import roster
from web.engines.models import AIModelConfig, Engine, Mode
from web.evaluation import creation, report, sets, table
from web.evaluation.models import Evaluation
from web.evaluation.progress import EvaluationProgress, eta_s, progress
from web.evaluation.sets import EvaluationSet
from web.evaluation.table import FigureTable
from web.evaluation.targets import Proposal, proposal
from web.fleet.overview import overview
from web.tutor.languages import OPERATORS
from web.tutor.writing import versions

LOOK_S = 1.0
PIPE_WIDTH = 160


def days(text: str) -> int:
    """Days, from `7d`."""
    found = re.fullmatch(r"([1-9]\d{0,2})d", text, re.ASCII)
    if not found:
        raise ArgumentTypeError(f"{text!r}: write days such as 7d")
    return int(found[1])


class Command(BaseCommand):
    help = (
        "Evaluate a model: how well it judges, finds out what is wrong, and writes hints, in the "
        "batch lane, so that students go first. The workers do it; Ctrl-C stops it, and the same "
        "command goes on with it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--set", type=Path, metavar="FILE", help="JSONL: see the README")
        which.add_argument(
            "--last", type=days, metavar="7d", help="requests of courses that allow it"
        )
        which.add_argument(
            "--compare", type=int, nargs=2, metavar=("A", "B"), help="two evaluations, by number"
        )
        parser.add_argument("--engine", help="one in use; needed where there are several")
        parser.add_argument(
            "--prompt", metavar="V", help="version of the prompts' words; else the one in use"
        )
        parser.add_argument(
            "--yes", action="store_true", help="the set may go to a server of another kind"
        )
        parser.add_argument("--html", type=Path, metavar="FILE", help="write the report there too")

    def handle(self, *args: Any, **options: Any) -> None:
        self.console = Console(file=self.stdout, highlight=False)  # type: ignore[arg-type]
        if not self.console.is_terminal:
            self.console.width = PIPE_WIDTH
        with translation.override(OPERATORS):
            if options["compare"]:
                before, after = self.compared(*options["compare"])
                self.write(options["html"], after, before)
                return
            row = self.begun(options)
            # Whoever kills this one here ends the watching, and the nodes go on.
            self.watch(row)
            self.show(row)
            self.write(options["html"], row)

    def begun(self, options: dict[str, Any]) -> Evaluation:
        """Raises: CommandError."""
        engine = engine_of(options["engine"])
        try:
            prompts = options["prompt"] or ""
            versions.version(prompts)
            chosen = set_of(options)
        except (HintlineError, OSError) as error:
            raise CommandError(str(error)) from None
        if chosen.is_new_to(engine.kind) and not options["yes"]:
            raise CommandError(
                f"Texts of this set would go to {engine.name}, a server of the kind "
                f"{Mode(engine.kind).label}, which has not seen them. If they may, add --yes."
            )
        row = creation.begin(engine, chosen, prompts=prompts)
        self.stdout.write(f"Evaluation {row.pk}: {row.model} on {row.set_name}")
        # Else people would look at 0 % and not know why.
        if not overview().nodes:
            self.stderr.write("No node is alive: it begins when one runs (python -m workers node).")
        return row

    def watch(self, row: Evaluation) -> None:
        """Until it is done. Raises: CommandError where it was stopped."""
        first, began_s = progress(row), monotonic()
        try:
            while row.state == Evaluation.State.RUNNING:
                now = progress(row)
                self.line(now, eta_s(first, now, monotonic() - began_s))
                sleep(LOOK_S)
                row.refresh_from_db()
        # What the workers have begun still comes to its end, and is read when this goes on.
        except KeyboardInterrupt:
            creation.stop(row)
            raise CommandError(
                f"Stopped at {progress(row).percent} %. The same command goes on with it."
            ) from None
        self.stdout.write("")
        if row.state == Evaluation.State.STOPPED:
            why = row.error or "from the admin's page"
            raise CommandError(f"Stopped: {why}. The same command goes on with it.")

    def line(self, now: EvaluationProgress, left_s: int | None) -> None:
        eta = "" if left_s is None else f", {timedelta(seconds=left_s)} left"
        # A log gets a line each time; a terminal has one line that changes.
        end = "" if self.console.is_terminal else "\n"
        self.stdout.write(f"\r{now.percent} % ({now.words}{eta})   ", ending=end)
        self.stdout.flush()

    def show(self, row: Evaluation) -> None:
        for each in table.tables(row.figures):
            self.console.print(drawn(each))
        self.stdout.write(in_words(proposal(row.figures)))

    def write(self, file: Path | None, row: Evaluation, before: Evaluation | None = None) -> None:
        """Raises: CommandError."""
        if file is None:
            return
        try:
            file.write_text(report.page(row, before), encoding="utf-8")
        except OSError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"The report is in {file}.")

    def compared(self, one: int, other: int) -> tuple[Evaluation, Evaluation]:
        """Shows both side by side. Raises: CommandError."""
        rows = [Evaluation.objects.filter(pk=pk).first() for pk in (one, other)]
        if not all(row and row.state == Evaluation.State.DONE for row in rows):
            raise CommandError("Both must be evaluations that are done.")
        before, after = (row for row in rows if row)
        self.stdout.write(f"{before} → {after}")
        for each in table.compared(before.figures, after.figures):
            self.console.print(drawn(each))
        return before, after


def engine_of(name: str | None) -> Engine:
    """Raises: CommandError."""
    in_use = {engine.name: engine for engine in roster.in_use(AIModelConfig.current())}
    known = ", ".join(in_use) or "none"
    # With several, they may serve several models: a person has to say which one is meant.
    if name is None and len(in_use) == 1:
        return next(iter(in_use.values()))
    if name is None:
        raise CommandError(f"Choose an --engine. In use are: {known}.")
    if name not in in_use:
        raise CommandError(f"No engine {name} is in use. In use are: {known}.")
    return in_use[name]


def set_of(options: dict[str, Any]) -> EvaluationSet:
    """Raises: BadSet, OSError."""
    if path := options["set"]:
        with path.open("rb") as lines:
            return sets.from_file(str(path), lines)
    return sets.lately(options["last"]) if options["last"] else sets.shipped()


def drawn(of: FigureTable) -> Table:
    found = Table(title=of.title, title_justify="left")
    for number, name in enumerate(of.heading):
        found.add_column(name, justify="right" if number else "left")
    for name, cells in of.rows:
        found.add_row(
            name, *(f"[bold]{each.text} ![/]" if each.misses else each.text for each in cells)
        )
    return found


def in_words(found: Proposal) -> str:
    """The licence that it should have, and what is missed."""
    may = [
        f"write {locale} {', '.join(map(str, levels))}" for locale, levels in found.levels.items()
    ]
    if found.judges_to:
        may.append(f"judge up to level {found.judges_to} at {found.judge_threshold}")
    may += ["diagnose"] * found.diagnoses
    lines = [f"May: {'; '.join(may) or 'nothing'}"]
    if found.levels:
        lines.append(
            "  No figure sees what is said wrongly in free words: read twenty of its hints."
        )
    lines += [f"  {kind}: misses {', '.join(figures)}" for kind, figures in found.short.items()]
    return "\n".join(lines)
