"""Pages and another student's tests beside programs that never end, under gunicorn as compose runs.

python -m tests.bench crowding measures it; the idle site of the same run is the reference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event
from time import monotonic, perf_counter, sleep
from typing import NamedTuple

import httpx2

from tests.bench.table import Row
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, free_port, standing, until

SECONDS = 20.0
LOOPS = 100
"""Endless programs that one student starts at once, again and again."""
STUDENTS = 50
EXERCISE = "python-steps/rice-days"
ENDLESS = "def rice_days(cups, per_day):\n    while True:\n        pass\n"
QUICK = "def rice_days(cups, per_day):\n    return 0\n"


class Seen(NamedTuple):
    """Seconds of each request of somebody else; refused: of their checks."""

    page_s: list[float]
    check_s: list[float]
    refused: int


def rows() -> list[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="hl-") as folder,
        standing(Path(folder), {"gpu0": FakeEngine()}) as stand,
        gunicorn(stand) as base,
    ):
        other, crowd = stand.student(), [stand.student() for _ in range(STUDENTS)]
        idle = seen(base, other)
        with crowded(base, crowd[:1] * LOOPS):
            one = seen(base, other)
        with crowded(base, crowd):
            many = seen(base, other)
    alone, together = f"{LOOPS} endless loops of one student", f"those of {STUDENTS} students"
    return [
        (f"sign-in page, s, p50 / max, beside {alone}", *pair(one, idle, page), "≤ 1.5"),
        (f"another student's tests, s, p50 / max, beside {alone}", *pair(one, idle, test), "≤ 4"),
        (f"sign-in page, s, p50 / max, beside {together}", *pair(many, idle, page), "≤ 1.5"),
        (f"another student's tests, s, p50 / max, beside {together}", *pair(many, idle, test), ""),
        ("of these tests refused as busy", refused(many), refused(idle), ""),
    ]


def page(found: Seen) -> list[float]:
    return found.page_s


def test(found: Seen) -> list[float]:
    return found.check_s


def pair(busy: Seen, idle: Seen, part: Callable[[Seen], list[float]]) -> tuple[str, str]:
    return spread(part(busy)), spread(part(idle))


def spread(values: list[float]) -> str:
    return f"{median(values):.2f} / {max(values):.2f}"


def refused(found: Seen) -> str:
    return f"{found.refused} of {len(found.check_s)}"


@contextmanager
def gunicorn(stand: Stand) -> Iterator[str]:
    """The stand's pages and API as compose starts them; their address."""
    base = f"http://127.0.0.1:{free_port()}"
    stand.launch(
        "gunicorn", "-m", "gunicorn", "web.wsgi", "--config", "python:web.ops.gunicorn",
        "--bind", base.removeprefix("http://"), "--workers", "2", "--threads", "16",
        "--no-control-socket",
    )  # fmt: skip
    until(lambda: answers(base))
    yield base


def answers(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/accounts/login/").status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def crowded(base: str, students: list[httpx2.Client]) -> Iterator[None]:
    """Each of them runs an endless program again and again, and comes back when it is told to."""
    over = Event()

    def loop(student: httpx2.Client) -> None:
        while not over.is_set():
            answer = check(base, student, ENDLESS)
            over.wait(float(answer.headers.get("Retry-After", 0)))

    with ThreadPoolExecutor(len(students)) as threads:
        for student in students:
            threads.submit(loop, student)
        sleep(1)
        try:
            yield
        finally:
            over.set()


def seen(base: str, other: httpx2.Client) -> Seen:
    """What somebody else lives through for SECONDS, with two requests a second."""
    pages: list[float] = []
    checks: list[float] = []
    refusals, began_s = 0, monotonic()
    while monotonic() - began_s < SECONDS:
        asked_s = perf_counter()
        httpx2.get(f"{base}/accounts/login/", timeout=60).raise_for_status()
        pages.append(perf_counter() - asked_s)
        sleep(0.5)
        # A student has thirty of them a minute.
        if len(checks) < SECONDS / 2 and len(checks) <= (monotonic() - began_s) / 2:
            asked_s = perf_counter()
            refusals += check(base, other, QUICK).status_code == 503
            checks.append(perf_counter() - asked_s)
    return Seen(pages, checks, refusals)


def check(base: str, student: httpx2.Client, code: str) -> httpx2.Response:
    body = {"exercise": EXERCISE, "code": code}
    # Gunicorn closes what was idle for 2 s, perhaps just as it is used again.
    headers = {"Connection": "close"}
    return student.post(f"{base}/v1/checks", json=body, headers=headers, timeout=60)


if __name__ == "__main__":
    for line in rows():
        print(" | ".join(line))
