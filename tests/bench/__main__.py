"""`make bench`: every figure beside its reference from the same run, written to RESULTS.md."""

from __future__ import annotations

import os
import platform
from datetime import date
from pathlib import Path
from statistics import median

from tests.bench import chaos, events, path, product, stream

RESULTS = Path(__file__).parent / "RESULTS.md"
SLOW_S = 6.0
"""A vLLM answer of 240 tokens at 40 tokens a second."""
Row = tuple[str, str, str, str]


def workers() -> list[Row]:
    bare, work = stream.bare(), product.worked()
    slow = product.worked(hints=600, seconds=SLOW_S)
    ideal = stream.STREAMS / SLOW_S
    return [
        row("hints/s, 60 chunks in 1 s", work.hints_s, bare.hints_s, "≥ 0.7"),
        row(
            f"hints/s, 60 chunks in {SLOW_S:.0f} s (reference: 256 / 6 s)", slow.hints_s, ideal, ""
        ),
        (
            "streams at once in one worker process",
            str(slow.max_active),
            str(bare.max_active),
            "256",
        ),
        ("its RSS then, MB", f"{slow.rss_mb:.0f}", f"{bare.rss_mb:.0f}", "≤ 160"),
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


def table(title: str, rows: list[Row]) -> str:
    lines = [
        f"## {title}",
        "",
        "| what | measured | reference | wanted |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows]) + "\n"


def main() -> None:
    parts = [
        "# Results of `make bench`\n",
        f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        "everything on one machine: engine, Valkey, database (SQLite), worker, web.\n",
        table("One worker process", workers()),
        table("A hint's way, everything idle", ways()),
        table("1,000 open event streams in one web process", streams()),
        table(f"{chaos.HINTS:,} hints on {chaos.GPUS} fake GPUs under attack", chaos.rows()),
    ]
    RESULTS.write_text("\n".join(parts))
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
