"""What ops type: `python -m workers scale | drain | resume | status`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from time import sleep

from django.db import DatabaseError
from django.utils import translation
from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from web.fleet import changes
from web.fleet.changes import Counts
from web.fleet.overview import Overview, overview
from web.tutor.languages import OPERATORS

REFRESH_S = 1.0
PIPE_WIDTH = 120  # without a terminal rich would fold the table at 80 columns
COLUMNS = {
    "state": "state", "live": "workers", "slots": "slots / limit", "in_flight": "in flight",
    "waiting": "waiting", "tokens_s": "tokens/s", "cached": "cache hits", "crashes": "crashes",
}  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """The exit status: 1 if what was asked is wrong, and then nothing is changed."""
    with translation.override(OPERATORS):
        try:
            if options.command == "status":
                return status(options.once)
            problems = change(options)
            if not problems:
                tell(filter(None, [changes.idle_mode()]))
                return status(once=True)
        except DatabaseError as error:
            problems = [f"The database does not answer: {error}"]
        tell(problems)
        return 1


def tell(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201


def change(options: argparse.Namespace) -> list[str]:
    """Answers what is wrong."""
    asked, problems = parsed(options.counts, options.slots) if "counts" in options else ({}, [])
    if problems:
        return problems
    # All changes typed here are one user's; the history also tells whose shell it was.
    who = os.environ.get("USER") or f"user {os.getuid()}"
    by, via = changes.command_line(), f"{who}@{socket.gethostname()}"
    if options.command == "scale":
        return changes.scale(by, asked, via)
    verb = changes.drain if options.command == "drain" else changes.resume
    return verb(by, options.engines, via)


def parsed(counts: Sequence[str], slots: str) -> tuple[dict[str, Counts], list[str]]:
    """What `gpu0=3 gpu1=1` asks, and what is wrong with how it is written."""
    asked: dict[str, Counts] = {}
    problems = []
    for text in counts:
        engine, _, count = text.partition("=")
        if not engine or not count:
            problems.append(f"{text}: write ENGINE=COUNT, for example gpu0=3")
        elif engine in asked:
            problems.append(f"{engine}: named twice")
        # As text: the form that checks a change on the page checks this one too.
        asked[engine] = Counts(count, slots)
    return asked, problems


def status(once: bool) -> int:
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    if once or not console.is_terminal:
        console.print(picture(overview()))
        return 0
    with Live(console=console, auto_refresh=False, screen=True) as live:
        try:
            while True:
                live.update(picture(overview()), refresh=True)
                sleep(REFRESH_S)
        except KeyboardInterrupt:
            return 0


def picture(now: Overview) -> Group:
    """Engines, what waits, nodes."""
    engines = Table("engine", *COLUMNS.values(), box=SIMPLE)
    for row in now.rows:
        cells = row.cells()
        live = cells.get("live", "?")
        cells["live"] = f"{live}/{row.engine.workers} × {row.engine.worker_slots}"
        engines.add_row(row.engine.name, *(cells.get(name, "") for name in COLUMNS))
    nodes = Table("node", "serves", "workers / wanted", box=SIMPLE)
    for line in now.node_lines():
        nodes.add_row(*line)
    parts: list[RenderableType] = [now.notice, engines, now.backlog(), nodes]
    return Group(*(part for part in parts if part))
