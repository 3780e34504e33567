"""How late sentences reach browsers while many hints stream: one worker process, one web process.

A sentence is due when the engine has sent its last character; that the gate holds it until then is
not counted. Three times as many students as there are slots have their page open, and what counts
is what was due while all slots were busy. python -m tests.bench.flow prints it.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path
from time import time
from typing import Any, NamedTuple, cast

import psutil
import uvloop
from openai import AsyncOpenAI

from broker.embedded import Embedded
from tests.bench import rivals
from tests.bench.gateways import until_healthy
from tests.bench.product import ASK, rescue, site, worker
from tests.bench.stream import cpu_of, until_finished
from tests.bench.table import Row, at, pair
from tests.fakes.launch import ROOT, FakeEngine
from tests.whole.stand import free_port

LATE_S = 0.25
FEW = 32
STEPS = (32, 64, 96, 128, 192, 256, 384)
LIMIT_S = 120
CROWD = """
from web.courses.models import Membership
from web.hints import backlog
from web.people.models import ApiToken
from web.people.tokens import fresh
for new in asked(int(sys.argv[2])):
    student, exercise = new.submission.student, new.submission.exercise
    Membership.objects.create(user=student, course=exercise.course)
    token = ApiToken(user=student, name="bench")
    text = fresh(token)
    token.save()
    hint = store.create(new).hint
    backlog.join(hint)
    print(hint.pk, text)
"""
"""Students who wait, each with a hint; prints hint and API token of each."""


class Ended(NamedTuple):
    """A sentence that has ended: when, in s, and how many characters the answer had by then.

    at_s: infinite where the hint was started anew instead.
    """

    at_s: float
    chars: int


Read = Mapping[str, list[Ended]]
"""What came at the readers, by the request's id at the engine."""


class Window(NamedTuple):
    """A time during which all slots were busy. cpu: percent of a core, by process."""

    began_s: float
    ended_s: float
    cpu: dict[str, float]


Reading = Callable[[FakeEngine, int, int], tuple[Read, Window]]
"""Reads that many streams at once, in so many rounds."""


class Flow(NamedTuple):
    """delays_ms: of each sentence, since it was due.

    gaps_ms: how much longer each gap between two sentences was than between their due times.
    cpu: as in Window.
    """

    delays_ms: list[float]
    gaps_ms: list[float]
    cpu: dict[str, float]

    @property
    def late(self) -> int:
        return sum(delay > 1000 * LATE_S for delay in self.delays_ms)


def rows() -> list[Row]:
    plain, ours = measure(plain_client, FEW, rounds=8), measure(browsers, FEW, rounds=8)
    return [
        (
            f"added gap between two sentences of a hint, {FEW} streams, ms, p99",
            f"{at(ours.gaps_ms, 0.99):.1f}",
            f"{at(plain.gaps_ms, 0.99):.1f} (plain client)",
            "≤ 15",
        ),
        (
            "a sentence's way from the engine to the browser, ms, p50 / p99",
            pair(ours.delays_ms),
            f"{pair(plain.delays_ms)} (plain client)",
            "",
        ),
        *sustained(),
    ]


def sustained() -> Iterator[Row]:
    """More and more streams, until sentences come late in two runs."""
    most, limit = 0, "nothing up to here"
    for streams in STEPS:
        found = measure(browsers, streams)
        if found.late:
            found = min(found, measure(browsers, streams), key=lambda flow: flow.late)
        cpu = ", ".join(f"{name} {percent:.0f}" for name, percent in found.cpu.items())
        yield (
            f"{streams} streams: sentences over {1000 * LATE_S:.0f} ms late, of all; p99, ms",
            f"{found.late} of {len(found.delays_ms)}; {at(found.delays_ms, 0.99):.0f}",
            f"CPU, % of a core: {cpu}",
            "",
        )
        if found.late:
            limit = f"{limiting(found.cpu)} at {streams}"
            break
        most = streams
    yield "streams without a late sentence; what limits them", f"{most}; {limit}", "", "published"


def limiting(cpu: Mapping[str, float]) -> str:
    """The process that has a core for itself, or else all of them together."""
    busiest, total = max(cpu, key=lambda name: cpu[name]), sum(cpu.values())
    if total < 90 * (os.cpu_count() or 1):
        return f"{busiest}, {cpu[busiest]:.0f} % of a core"
    return f"all cores, {total:.0f} %"


def measure(reading: Reading, streams: int, rounds: int = 3) -> Flow:
    """40 tokens a second for 4 to 6 seconds in each stream; the first and last round do not count.

    streams: at once; as many hints as there are of them in all rounds.
    """
    with FakeEngine(chunks=160, most=240, seconds=4.0, times=True) as engine:
        read, window = reading(engine, streams, rounds)
        return judged(read, engine.sent(), window)


def judged(read: Read, sent: Mapping[str, list[tuple[float, int]]], window: Window) -> Flow:
    delays_ms, gaps_ms = [], []
    for request, ends in read.items():
        if not ends:
            continue
        chars = [chars for _, chars in sent[request]]
        due = [sent[request][bisect_left(chars, end.chars)][0] for end in ends]
        delays = [
            1000 * (end.at_s - due_s)
            for end, due_s in zip(ends, due, strict=True)
            if window.began_s <= due_s < window.ended_s
        ]
        delays_ms += delays
        gaps_ms += [second - first for first, second in pairwise(delays)]
    return Flow(delays_ms, gaps_ms, window.cpu)


async def busy(
    engine: FakeEngine, streams: int, rounds: int, processes: Mapping[str, int]
) -> Window:
    """From the end of the first round to the beginning of the last one."""

    def cpu_s() -> dict[str, float]:
        return {name: cpu_of(psutil.Process(pid)) for name, pid in processes.items()}

    await asyncio.to_thread(until_finished, engine, streams)
    began_s, before_s = time(), cpu_s()
    await asyncio.to_thread(until_finished, engine, (rounds - 1) * streams)
    ended_s, after_s = time(), cpu_s()
    took_s = ended_s - began_s
    cpu = {name: 100 * (after_s[name] - before_s[name]) / took_s for name in processes}
    return Window(began_s, ended_s, cpu)


def plain_client(engine: FakeEngine, streams: int, rounds: int) -> tuple[Read, Window]:
    """The official client, with nothing between."""
    return uvloop.run(plainly_read(engine, streams, rounds))


async def plainly_read(engine: FakeEngine, streams: int, rounds: int) -> tuple[Read, Window]:
    read: dict[str, list[Ended]] = {}
    left = iter(range(rounds * streams))
    async with AsyncOpenAI(base_url=engine.url, api_key="none", max_retries=0) as client:

        async def lane() -> None:
            for number in left:
                read[f"plain-{number}"] = await sentences(client, f"plain-{number}")

        lanes = asyncio.gather(*(lane() for _ in range(streams)))
        window = await busy(engine, streams, rounds, {})
        await lanes
    return read, window


async def sentences(client: AsyncOpenAI, request: str) -> list[Ended]:
    chars, ends = 0, []
    stream = await client.chat.completions.create(
        model="fake",
        messages=rivals.messages(1),
        stream=True,
        extra_headers={"X-Request-Id": request},
    )
    async for chunk in stream:
        text = (chunk.choices and chunk.choices[0].delta.content) or ""
        ends += [Ended(time(), end) for end in ends_in(text, chars)]
        chars += len(text)
    return ends


def ends_in(text: str, chars: int) -> list[int]:
    """Characters of the answer at the end of each sentence that ends in its next text."""
    return [chars + mark.end() for mark in re.finditer(r"\.", text)]


def browsers(engine: FakeEngine, streams: int, rounds: int) -> tuple[Read, Window]:
    """Pages that follow hints through a worker of so many slots."""
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)) as redis:
        env = site(folder)
        command = [sys.executable, "-c", ASK + CROWD, engine.url, str(rounds * streams)]
        told = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
        owned = [(hint, token) for hint, token in map(str.split, told.stdout.decode().splitlines())]
        assert redis.child.process is not None
        with web(env) as (port, process):
            others = {
                "web": process.pid,
                "Valkey": redis.child.process.pid,
                "engine": engine.process.pid,
                "browsers": psutil.Process().pid,
            }

            def wait(worker: psutil.Popen) -> Coroutine[Any, Any, Window]:
                return busy(engine, streams, rounds, {"worker": worker.pid, **others})

            @contextmanager
            def work() -> Iterator[psutil.Popen]:
                with rescue(env), worker(env, streams) as process:
                    yield process

            return uvloop.run(followed(port, owned, work, wait))


@contextmanager
def web(env: dict[str, str]) -> Iterator[tuple[int, psutil.Popen]]:
    """The web app as `make run` serves it: its port and process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "web.asgi:application", "--port", str(port)]
    command += ["--no-access-log", "--http", "h11", "--log-level", "warning"]
    process = psutil.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        until_healthy(port, "/livez")
        yield port, process
    finally:
        process.kill()
        process.wait()


async def followed(
    port: int,
    owned: list[tuple[str, str]],
    work: Callable[[], AbstractContextManager[psutil.Popen]],
    wait: Callable[[psutil.Popen], Coroutine[Any, Any, Window]],
) -> tuple[Read, Window]:
    """owned: hints with their students' tokens; the work begins when all pages are open."""
    pages = {hint: Page(hint, token) for hint, token in owned}
    for page in pages.values():
        await page.open(port)
    with work() as process:
        window = await wait(process)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(page.over for page in pages.values()))
    return {f"{hint}-1": Page.ends(page.heard) for hint, page in pages.items()}, window


class Page(asyncio.Protocol):
    """Follows one hint to its end. What it hears is read when all is over, to cost little now."""

    def __init__(self, hint: str, token: str) -> None:
        self.request = (
            f"GET /v1/events?hint={hint} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self.heard: list[tuple[float, bytes]] = []
        loop = asyncio.get_running_loop()
        self.listens, self.over = loop.create_future(), loop.create_future()

    async def open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", port)
        async with asyncio.timeout(LIMIT_S):
            await self.listens

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        self.heard.append((time(), data))
        if not self.listens.done() and b": ok\n\n" in data:
            self.listens.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.listens.done():
            self.listens.set_exception(RuntimeError(str(self.heard)))
        self.over.set_result(None)

    @staticmethod
    def ends(heard: Sequence[tuple[float, bytes]]) -> list[Ended]:
        """heard: bytes of the stream, and when they came."""
        chars, rest, ends = 0, b"", []
        for at_s, data in heard:
            *frames, rest = (rest + data).split(b"\n\n")
            for frame in frames:
                if b"event: reset" in frame:
                    return [*ends, Ended(math.inf, max(chars, 1))]
                if b"event: piece" in frame:
                    text = json.loads(frame.rpartition(b"data: ")[2])["text"]
                    ends += [Ended(at_s, end) for end in ends_in(text, chars)]
                    chars += len(text)
        return ends


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ", flush=True)
