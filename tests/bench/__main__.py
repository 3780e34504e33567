"""`make bench`: every figure beside its reference from the same run, written to RESULTS.md.

python -m tests.bench placement chaos measures these parts and leaves the other tables as they are.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import monotonic

import psutil

from tests.bench import (
    asking,
    attacks,
    chaos,
    composed,
    crowding,
    dispatch,
    events,
    facts,
    flow,
    gate,
    gatekeeping,
    idle,
    judging,
    lists,
    neighbours,
    path,
    placement,
    retention,
    rivals,
    running,
    tabs,
    trial,
    ttft,
    worded,
    workers,
)
from tests.bench.table import Rows, markdown

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """# Results of `make bench`

Everything on one machine: engine, Valkey, database (SQLite), workers, web.
"""


def table(rows: Rows) -> Callable[[], str]:
    return lambda: markdown(rows())


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "workers": ("One worker process", table(workers.rows)),
    "gpu": ("Keeping a GPU busy", table(workers.busy)),
    "dispatch": ("From admission to the engine, at half load", table(dispatch.rows)),
    "rivals": ("Requests a second at an engine that answers at once", table(rivals.rows)),
    "ttft": ("Added time to the first words, everything idle", table(ttft.rows)),
    "path": ("A hint's way, everything idle", table(path.rows)),
    "flow": ("Sentences on their way, worker and web on this machine", table(flow.rows)),
    "idle": ("All that `make run` starts, while nobody asks", table(idle.rows)),
    "tabs": ("The fleet's page, open and looked at", table(tabs.rows)),
    "events": ("1,000 open event streams in one web process", table(events.rows)),
    "gate": ("64 K characters of text that is slow to read", table(gate.rows)),
    "gatekeeping": ("Hints that the gate refuses: leaks, and good ones", gatekeeping.table),
    "wording": ("What the wording of a hint tells", table(worded.rows)),
    "asking": ("What a model is asked for a hint of the seed", asking.table),
    "attacks": ("Words to a model, obeyed: plays that get near, and past", attacks.table),
    "composed": ("Hints without a model", table(composed.rows)),
    "judging": ("Hints that are judged, and diagnosed first", table(judging.rows)),
    "diagnoses": ("Diagnoses by a real model, proved by running them", trial.diagnoses),
    "verdicts": ("Leaks in words, judged by a real model", trial.verdicts),
    "crowding": (
        "Pages and tests beside programs that never end, gunicorn with 2 × 16 threads",
        table(crowding.rows),
    ),
    "facts": ("Facts of wrong programs, by evidence alone", table(facts.rows)),
    "running": (
        "A student's program: verdicts beside CPython's, and what a run costs",
        table(running.rows),
    ),
    "neighbours": (
        "Students beside a hint whose model server misbehaves",
        table(neighbours.rows),
    ),
    "retention": ("Old rows go while hints are asked", table(retention.rows)),
    "lists": (
        f"{lists.ROWS:,} hints on PostgreSQL: pages of operations and the admin",
        lists.table,
    ),
    "placement": ("Placement on a virtual clock", placement.table),
    "chaos": (
        f"{chaos.HINTS:,} hints on {chaos.GPUS} fake GPUs under attack",
        table(chaos.rows),
    ),
}
"""Title and Markdown of each table, in the order of RESULTS.md."""
BY_NAME = frozenset({"diagnoses", "verdicts"})
"""Parts that need what `make bench` does not have; measured where they are named."""


def section(title: str, measured: Callable[[], str]) -> str:
    # Figures of a machine that does something else too are worth little; the reader should know.
    others = psutil.cpu_percent(interval=1)
    place = f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    return f"## {title}\n\n{place}, {others:.0f} % busy with other things\n\n{measured()}\n"


def kept() -> dict[str, str]:
    """The sections of RESULTS.md by their titles."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    titles, bodies = parts[::2], parts[1::2]
    return {
        title: f"## {title}\n{body.rstrip()}\n" for title, body in zip(titles, bodies, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args().parts
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    for name, (title, measured) in PARTS.items():
        if name not in (wanted or PARTS.keys() - BY_NAME):
            continue
        began_s = monotonic()
        sections = kept() | {title: section(title, measured)}
        # Written after each part: a later one that breaks costs nothing of the earlier ones.
        order = [title for title, _ in PARTS.values() if title in sections]
        RESULTS.write_text("\n".join([HEAD, *(sections[title] for title in order)]))
        print(sections[title], f"({monotonic() - began_s:.0f} s)\n", sep="\n", flush=True)


if __name__ == "__main__":
    main()
