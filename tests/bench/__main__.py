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
from statistics import median
from time import monotonic

from tests.bench import (
    chaos,
    crowding,
    dispatch,
    events,
    gate,
    neighbours,
    path,
    placement,
    product,
    retention,
    rivals,
    stream,
)
from tests.bench.stream import Load

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """# Results of `make bench`

Everything on one machine: engine, Valkey, database (SQLite), workers, web.
"""
SLOW = Load(streams=256, hints=600, seconds=6.0)
"""vLLM answers of 240 tokens at 40 tokens a second, 4 in a chunk."""
GPU = Load(streams=64, hints=320, seconds=2.0, chunks=80, most=240)
"""40 tokens a second, 2 to 6 seconds an answer."""
Row = tuple[str, ...]


def workers() -> list[Row]:
    bare, work = stream.bare(), product.worked()
    slow, ideal = product.worked(SLOW), SLOW.streams / SLOW.seconds
    return [
        row("hints/s, 60 chunks in 1 s", work.hints_s, bare.hints_s, "≥ 0.7"),
        row("hints/s, 60 chunks in 6 s (reference: 256 / 6 s)", slow.hints_s, ideal, ""),
        (
            "streams at once in one worker process",
            str(slow.max_active),
            str(bare.max_active),
            "256",
        ),
        ("its RSS then, MB", f"{slow.rss_mb:.0f}", f"{bare.rss_mb:.0f}", "≤ 160"),
        row("CPU, ms a hint", work.cpu_ms, bare.cpu_ms, ""),
    ]


def gpu() -> list[Row]:
    bare, work = stream.bare(GPU), product.worked(GPU)
    return [
        row("hints/s, 64 slots, 80 to 240 tokens at 40/s", work.hints_s, bare.hints_s, "≥ 0.97"),
        row("CPU, ms a hint", work.cpu_ms, bare.cpu_ms, ""),
    ]


def ways() -> list[Row]:
    way = path.measure()
    bare = f"{median(way.bare_ms):.1f} / {path.at(way.bare_ms, 0.99):.1f}"
    post = f"{median(way.post_ms):.1f} / {path.at(way.post_ms, 0.99):.1f}"
    cancel = f"{median(way.cancel_ms):.0f} / {way.cancel_ms[-1]:.0f}"
    return [
        (
            "POST to the engine, ms, p50 / p99 (reference: client to engine)",
            post,
            bare,
            "≤ 10 / 50",
        ),
        ("cancel to a free slot, ms, p50 / max", cancel, "–", "≤ 300"),
    ]


def streams() -> list[Row]:
    found = events.measure()
    return [(name, f"{value:.2f}", "", "") for name, value in found.items()]


def row(name: str, figure: float, reference: float, wanted: str) -> Row:
    ratio = figure / reference
    return name, f"{figure:.1f} ({ratio:.2f} of the reference)", f"{reference:.1f}", wanted


def table(measured: Callable[[], list[Row]]) -> str:
    heading = ("what", "measured", "reference", "wanted")
    rows = [heading, ("---",) * len(heading), *measured()]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "workers": ("One worker process", lambda: table(workers)),
    "gpu": ("Keeping a GPU busy", lambda: table(gpu)),
    "dispatch": ("From admission to the engine, at half load", lambda: table(dispatch.rows)),
    "rivals": ("Requests a second at an engine that answers at once", lambda: table(rivals.rows)),
    "path": ("A hint's way, everything idle", lambda: table(ways)),
    "events": ("1,000 open event streams in one web process", lambda: table(streams)),
    "gate": ("64 K characters of text that is slow to read", lambda: table(gate.rows)),
    "crowding": (
        "Pages and tests beside programs that never end, gunicorn with 2 × 16 threads",
        lambda: table(crowding.rows),
    ),
    "neighbours": (
        "Students beside a hint whose model server misbehaves",
        lambda: table(neighbours.rows),
    ),
    "retention": ("Old rows go while hints are asked", lambda: table(retention.rows)),
    "placement": ("Placement on a virtual clock", placement.table),
    "chaos": (
        f"{chaos.HINTS:,} hints on {chaos.GPUS} fake GPUs under attack",
        lambda: table(chaos.rows),
    ),
}
"""Title and Markdown of each table, in the order of RESULTS.md."""


def section(title: str, text: str) -> str:
    place = f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    return f"## {title}\n\n{place}\n\n{text}\n"


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
        if wanted and name not in wanted:
            continue
        began_s = monotonic()
        sections = kept() | {title: section(title, measured())}
        # Written after each part: a later one that breaks costs nothing of the earlier ones.
        order = [title for title, _ in PARTS.values() if title in sections]
        RESULTS.write_text("\n".join([HEAD, *(sections[title] for title in order)]))
        print(sections[title], f"({monotonic() - began_s:.0f} s)\n", sep="\n", flush=True)


if __name__ == "__main__":
    main()
