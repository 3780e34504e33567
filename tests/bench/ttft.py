"""Time that stands between a student and the first words: Hintline beside gateways that forward.

One engine with a known prefill, whose first chunk is a whole sentence that the gate lets through;
everything idle. In each round all of them are asked, one after the other.
python -m tests.bench.ttft prints it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import perf_counter, time

import httpx2
from openai import OpenAI

from tests.bench import gateways, rivals
from tests.bench.gateways import Door
from tests.bench.table import Row, at, pair
from tests.fakes.behaviour import Behaviour
from tests.fakes.engine import Ticker
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, frames, standing

PREFILL_S = 0.05
STUDENTS = 120
WARM_UP = 3
"""The first rounds open connections and import modules."""
PLAIN, OURS, FROM_ROW = "plain client", "Hintline", "Hintline, from the row"
ANSWER = Behaviour(pieces=Ticker.SENTENCES[:5], gap_s=0.01, delay_s=PREFILL_S)
FIRST_RUNGS = {
    1: Behaviour(pieces=("Where does your loop end?",), gap_s=0),
    2: Behaviour(
        pieces=("Look at the first line of your loop. Which values does it see?",), gap_s=0
    ),
}
Asking = Callable[[], float]
"""Asks once; milliseconds until the first words."""
GATEWAYS: dict[str, Callable[[str], AbstractContextManager[Door]]] = {
    gateways.SMG: gateways.smg,
    gateways.LITELLM: gateways.litellm,
}


def rows() -> list[Row]:
    found = measure()
    plain_ms = at(found[PLAIN], 0.5)
    added = {name: [took - plain_ms for took in taken] for name, taken in found.items()}
    smg, litellm = gateways.title(gateways.SMG), gateways.title(gateways.LITELLM)
    wanted = f"p50 ≤ 2 times {smg}'s and < {litellm}'s"
    lines = {
        OURS: (f"{OURS}: from the POST to the first piece in the browser", wanted),
        FROM_ROW: (f"{OURS}: from its row, which follows sign-in and the run of the tests", ""),
        smg: (smg, ""),
        litellm: (litellm, ""),
    }
    return [
        (
            f"{PLAIN}, prefill {1000 * PREFILL_S:.0f} ms: first words, ms, p50 / p99",
            pair(found[PLAIN]),
            "",
            "",
        ),
        *(
            (f"added to its p50: {line}", told(added, name), f"{pair(added[PLAIN])} ({PLAIN})", aim)
            for name, (line, aim) in lines.items()
        ),
    ]


def told(added: Mapping[str, list[float]], name: str) -> str:
    return pair(added[name]) if name in added else "does not install here"


def measure() -> dict[str, list[float]]:
    """Milliseconds to the first words, by who was asked."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hl-"))
        engine = FakeEngine()
        stand = stack.enter_context(standing(Path(folder), {"gpu0": engine}, students=STUDENTS))
        asking = {PLAIN: stack.enter_context(client(Door(engine.url)))}
        for package, gateway in GATEWAYS.items():
            with suppress(subprocess.CalledProcessError):
                door = stack.enter_context(gateway(engine.url))
                asking[gateways.title(package)] = stack.enter_context(client(door))
        pages = Pages(stand, engine)
        asking[OURS] = pages.ask
        engine.script(*[ANSWER] * (STUDENTS * len(asking)))
        found: dict[str, list[float]] = {name: [] for name in asking}
        before = engine.stats()["started"]
        for _ in range(STUDENTS):
            for name, ask in asking.items():
                found[name].append(ask())
        # An answer that is refused is asked for once more: then the script does not do for all.
        assert engine.stats()["started"] == before + STUDENTS * len(asking)
    found[FROM_ROW] = pages.from_row_ms
    return {name: taken[WARM_UP:] for name, taken in found.items()}


@contextmanager
def client(door: Door) -> Iterator[Asking]:
    """The official client, with the prompt of a hint."""
    with OpenAI(base_url=door.url, api_key=door.key, max_retries=0) as openai:

        def ask() -> float:
            began_s = perf_counter()
            stream = openai.chat.completions.create(
                model="fake", messages=rivals.messages(1), max_tokens=200, stream=True
            )
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    took_s = perf_counter() - began_s
                    break
            for _ in stream:
                pass
            return 1000 * took_s

        yield ask


class Pages:
    """Students who have had the levels below, and now ask for level 3, each once.

    Once, as the same answer would be refused to who has had it. from_row_ms: of the hints asked so
    far, from the writing of their rows to their first words.
    """

    def __init__(self, stand: Stand, engine: FakeEngine) -> None:
        self.stand = stand
        self.students = [stand.student() for _ in range(STUDENTS)]
        for level, answer in FIRST_RUNGS.items():
            engine.script(*[answer] * STUDENTS)
            for student in self.students:
                hint = stand.ask(student, level=level)
                stand.final(hint["id"])
                thought = {"text": "I look at it anew"}
                student.put(hint["links"]["reflection"], json=thought).raise_for_status()
        self.from_row_ms: list[float] = []

    def ask(self) -> float:
        student = self.students[len(self.from_row_ms)]
        began_s = perf_counter()
        hint = self.stand.ask(student, level=3)
        arrived_s, at_s = first_piece(student, hint["id"])
        row_s = datetime.fromisoformat(hint["created_at"]).timestamp()
        self.from_row_ms.append(1000 * (at_s - row_s))
        return 1000 * (arrived_s - began_s)


def first_piece(student: httpx2.Client, hint: str) -> tuple[float, float]:
    """When it came: by the clock of perf_counter, and by that of the world. Reads to the end."""
    came: list[tuple[float, float]] = []
    with student.stream("GET", "/v1/events", params={"hint": hint}) as response:
        for _, kind, _ in frames(response.iter_lines()):
            if kind == "piece":
                came.append((perf_counter(), time()))
    return came[0]


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
