"""A hint's way on an idle machine: POST to the engine, and cancel to a free slot."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from time import perf_counter, sleep, time
from typing import NamedTuple

import httpx2
from openai import OpenAI

from tests.bench.table import Row, at, ratio
from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, until

HINTS = 200
CANCELS = 20
SLUGS = ["rice-days", "lamp-positions", "lowest-balance", "hashtags", "seat-map", "short-items"]


class Way(NamedTuple):
    """Milliseconds. post_ms: of a program whose tests the page has run, as a student's are before
    they ask. unseen_ms: of one that nobody has run. bare_ms: the openai client straight to the
    engine.
    """

    post_ms: list[float]
    unseen_ms: list[float]
    bare_ms: list[float]
    cancel_ms: list[float]


def rows() -> list[Row]:
    way = measure()
    bare = at(way.bare_ms, 0.5)
    name = "POST to the first byte at the engine, ms, "
    unseen = f"{name}of a program that nobody has run, p50"
    client = "plain client to the engine"
    return [
        ratio(f"{name}p50", at(way.post_ms, 0.5), bare, "≤ 6 times the reference", client),
        (f"{name}p99", f"{at(way.post_ms, 0.99):.1f}", f"{at(way.bare_ms, 0.99):.1f}", ""),
        ratio(unseen, at(way.unseen_ms, 0.5), bare, "", client),
        (
            "cancel to a free slot, ms, p50 / max",
            f"{at(way.cancel_ms, 0.5):.0f} / {max(way.cancel_ms):.0f}",
            "–",
            "≤ 300",
        ),
    ]


def measure() -> Way:
    with FakeEngine() as engine, tempfile.TemporaryDirectory() as folder:
        stand = Stand(Path(folder), {"gpu0": engine})
        try:
            return Way(
                posts(stand, engine, ran=True),
                posts(stand, engine, ran=False),
                bare(engine),
                cancels(stand, engine),
            )
        finally:
            stand.close()


def posts(stand: Stand, engine: FakeEngine, *, ran: bool) -> list[float]:
    """From before the POST to the request's arrival at the engine. ran: the tests, before it."""
    students = [stand.student() for _ in range(-(-HINTS // len(SLUGS)))]
    ways = []
    for student, slug in itertools.islice(itertools.product(students, SLUGS), HINTS):
        engine.script(Behaviour(pieces=("Where does it end?",), gap_s=0))
        name, exercise = slug.replace("-", "_"), f"python-steps/{slug}"
        code = f"def {name}(*_):\n    return {int(ran)}\n"
        if ran:
            assert student.post("/v1/checks", json={"exercise": exercise, "code": code}).is_success
        began_s = time()
        hint = stand.ask(student, exercise=exercise, code=code)
        stand.final(hint["id"])
        ways.append((arrived_s(engine, f"{hint['id']}-1") - began_s) * 1000)
    return ways


def arrived_s(engine: FakeEngine, request_id: str) -> float:
    requests = engine.stats()["requests"]
    return next(r["at_s"] for r in requests if r["headers"].get("x-request-id") == request_id)


def bare(engine: FakeEngine) -> list[float]:
    """The reference: the official client, with nothing between."""
    ways = []
    with OpenAI(base_url=engine.url, api_key="none", max_retries=0) as client:
        for number in range(HINTS):
            began_s = time()
            client.chat.completions.create(
                model="fake",
                messages=[{"role": "user", "content": "x" * 2000}],
                extra_headers={"X-Request-Id": f"bare-{number}"},
            )
            ways.append((arrived_s(engine, f"bare-{number}") - began_s) * 1000)
    return ways


def cancels(stand: Stand, engine: FakeEngine) -> list[float]:
    """From before the POST of the cancel to an engine without a stream."""
    ways = []
    for _ in range(CANCELS):
        engine.script(Behaviour(pieces=("Look at your loop. ", *["It goes. "] * 8), gap_s=1.0))
        student = stand.student()
        hint = stand.ask(student)
        until(lambda: engine.stats()["active"])
        sleep(0.3)
        ways.append(cancel_ms(student, hint["links"]["cancel"], engine))
    return ways


def cancel_ms(student: httpx2.Client, url: str, engine: FakeEngine) -> float:
    began_s = perf_counter()
    student.post(url)
    while engine.stats()["active"]:
        sleep(0.002)
    return (perf_counter() - began_s) * 1000


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
