"""One worker process beside a bare asyncio script: its rate, its memory, and a GPU kept busy."""

from __future__ import annotations

from tests.bench import product, stream
from tests.bench.stream import Load
from tests.bench.table import Row, at, ratio, runs

RUNS = 3
SLOW = Load(streams=256, hints=600, seconds=6.0)
"""vLLM answers of 240 tokens at 40 tokens a second, 4 in a chunk."""
GPU = Load(streams=64, hints=320, seconds=2.0, chunks=80, most=240)
"""40 tokens a second, 2 to 6 seconds an answer."""


def rows() -> list[Row]:
    found = [(product.worked(), stream.bare()) for _ in range(RUNS)]
    work, bare = zip(*found, strict=True)
    slow, ideal = product.worked(SLOW), SLOW.streams / SLOW.seconds
    bare_mb = at([one.rss_mb for one in bare], 0.5)
    return [
        runs(
            f"hints/s, 60 chunks in 1 s, in {RUNS} runs",
            [one.hints_s for one in work],
            [one.hints_s for one in bare],
            "≥ 0.7 in each",
        ),
        ratio("hints/s, 60 chunks in 6 s", slow.hints_s, ideal, "", "256 in 6 s"),
        ("streams at once in one worker process", f"{slow.max_active}", f"{SLOW.streams}", "256"),
        ("its RSS then, MB", f"{slow.rss_mb:.0f}", f"{bare_mb:.0f}", "≤ 150"),
        ratio(
            "CPU, ms a hint, p50 of the runs",
            at([one.cpu_ms for one in work], 0.5),
            at([one.cpu_ms for one in bare], 0.5),
        ),
    ]


def busy() -> list[Row]:
    bare, work = stream.bare(GPU), product.worked(GPU)
    name = "hints/s, 64 slots, 80 to 240 tokens at 40/s"
    return [
        ratio(name, work.hints_s, bare.hints_s, "≥ 0.97"),
        ratio("CPU, ms a hint", work.cpu_ms, bare.cpu_ms),
    ]


if __name__ == "__main__":
    for cells in (*rows(), *busy()):
        print(*cells, sep=" | ")
