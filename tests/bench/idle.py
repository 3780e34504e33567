"""What everything that `make run` starts costs while nobody asks: CPU, and memory.

python -m tests.bench.idle prints it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import psutil

from tests.bench.stream import cpu_of
from tests.bench.table import Row
from tests.fakes.launch import ROOT
from tests.whole.stand import free_port

SETTLE_S = 20
"""After the start is ready: what it put off is done then."""
SECONDS = 60


class Cost(NamedTuple):
    """cpu: percent of a core."""

    cpu: float
    rss_mb: float


def rows() -> list[Row]:
    found = measure()
    cpu, rss_mb = sum(cost.cpu for _, cost in found), sum(cost.rss_mb for _, cost in found)
    return [
        ("all processes together: CPU, % of a core", f"{cpu:.2f}", "", "≤ 2"),
        ("their RSS, MB", f"{rss_mb:.0f}", "", "published"),
        *(
            (f"{name}: CPU, % of a core; RSS, MB", f"{cost.cpu:.2f}; {cost.rss_mb:.0f}", "", "")
            for name, cost in found
        ),
    ]


def measure() -> list[tuple[str, Cost]]:
    """Each process by its command."""
    with tempfile.TemporaryDirectory(prefix="hl-") as folder, started(folder) as start:
        sleep(SETTLE_S)
        processes = [start, *start.children(recursive=True)]
        began_s, before_s = perf_counter(), [cpu_of(process) for process in processes]
        sleep(SECONDS)
        after_s, took_s = [cpu_of(process) for process in processes], perf_counter() - began_s
        cpu = [100 * (b - a) / took_s for a, b in zip(before_s, after_s, strict=True)]
        return [
            (title(process.cmdline()), Cost(percent, process.memory_info().rss / 2**20))
            for process, percent in zip(processes, cpu, strict=True)
        ]


def title(command: list[str]) -> str:
    """`workers node`, or the name of a program that is not Python's; no option and no path."""
    if "-m" not in command:
        return Path(command[0].split()[0]).name
    words = command[command.index("-m") + 1 :]
    return " ".join(takewhile(lambda word: not word.startswith(("-", "/")), words))


@contextmanager
def started(folder: str) -> Iterator[psutil.Popen]:
    """As `make run`, over this folder; on when it says that it is ready."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HINTLINE_")}
    ports = {"HINTLINE_PORT": str(free_port()), "HINTLINE_LOCAL_PORT": str(free_port())}
    process = psutil.Popen(
        [sys.executable, "-m", "web", "start"],
        cwd=ROOT, env=kept | ports | {"HINTLINE_DATA": folder}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert any(line.startswith("Ready") for line in process.stdout), "it did not start"
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
