"""What the pool costs: streams through a Celery worker against a bare asyncio script, same reader.

python -m tests.bench.stream prints both, in both orders: on a machine that does something else too,
the rates depend on the order more than on the pool, and only the CPU time tells.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from celery import Celery

from broker.embedded import Embedded
from broker.urls import for_celery
from tests.fakes.launch import ROOT, FakeEngine

LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Load:
    """streams at once, of chunks (to most) in so many seconds; hints: how many are measured."""

    streams: int
    hints: int
    seconds: float
    chunks: int = 60
    most: int = 0

    def engine(self) -> FakeEngine:
        return FakeEngine(chunks=self.chunks, most=self.most, seconds=self.seconds)


FAST = Load(streams=256, hints=1536, seconds=1.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """hints_s: streams read to their end, a second. cpu_ms: of the reading process, a stream."""

    hints_s: float
    cpu_ms: float
    rss_mb: float
    max_active: int


def bare(load: Load = FAST) -> Figures:
    """A script of so many reading coroutines: no queue, no result, no events."""
    with load.engine() as engine:
        command = ["-m", "tests.bench.stream", engine.url, str(load.streams), str(needed(load))]
        with python(command, redis="unix:///none") as reader:
            return measured(engine, reader, load)


def needed(load: Load) -> int:
    """Streams enough for all lanes to be busy from the first that counts to the last."""
    return load.hints + 2 * load.streams


def pooled(load: Load = FAST) -> Figures:
    """A Celery worker of so many slots, on a real Valkey."""
    with (
        load.engine() as engine,
        tempfile.TemporaryDirectory() as folder,
        Embedded(Path(folder)) as redis,
    ):
        command = [
            "-m",
            "celery",
            "-q",
            "-A",
            "tests.bench.streamapp",
            "worker",
            "-c",
            str(load.streams),
        ]
        command += ["-l", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        send(redis.url, engine.url, needed(load))
        with python(command, redis=redis.url) as reader:
            return measured(engine, reader, load)


def send(redis_url: str, engine_url: str, number: int) -> None:
    with (
        Celery(broker=for_celery(redis_url), set_as_current=False) as app,
        app.connection_for_write() as connection,
        app.amqp.Producer(connection) as producer,
    ):
        for _ in range(number):
            app.send_task("read", args=[engine_url], queue="bench", producer=producer)


def measured(engine: FakeEngine, reader: psutil.Popen, load: Load) -> Figures:
    """Between two moments at which all slots are busy, so that begun streams favour nobody.

    The first streams, which open connections and import modules, are not counted, nor the last.
    """
    until_finished(engine, load.streams)
    cpu_s, began_s = cpu_of(reader), time.perf_counter()
    began = engine.stats()["finished"]
    finished = until_finished(engine, load.streams + load.hints)
    taken_s = time.perf_counter() - began_s
    assert engine.stats()["aborted"] == 0, "a reader left a stream"
    return Figures(
        hints_s=(finished - began) / taken_s,
        cpu_ms=1000 * (cpu_of(reader) - cpu_s) / (finished - began),
        rss_mb=reader.memory_info().rss / 2**20,
        max_active=engine.stats()["max_active"],
    )


def until_finished(engine: FakeEngine, number: int) -> int:
    deadline_s = time.monotonic() + LIMIT_S
    while (finished := int(engine.stats()["finished"])) < number:
        assert time.monotonic() < deadline_s, f"{finished} of {number} after {LIMIT_S} s"
        time.sleep(0.02)
    return finished


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def python(arguments: list[str], redis: str) -> Iterator[psutil.Popen]:
    env = {**os.environ, "BENCH_REDIS": redis}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    process = psutil.Popen([sys.executable, *arguments], cwd=ROOT, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def read_all(url: str, streams: int, hints: int) -> None:
    """The bare script; it stays when it is done, to be measured."""
    from tests.bench.streamapp import read_one

    left = iter(range(hints))

    async def lane() -> None:
        for _ in left:
            await read_one(url)

    await asyncio.gather(*(lane() for _ in range(streams)))
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvloop.run(read_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    else:
        for order in ((bare, pooled), (pooled, bare)):
            found = {measure.__name__: measure() for measure in order}
            ratio = found["pooled"].hints_s / found["bare"].hints_s
            cpu_ratio = found["bare"].cpu_ms / found["pooled"].cpu_ms
            print(*found.items(), sep="\n")
            print(f"rate {ratio:.2f}, cpu {cpu_ratio:.2f}, load {os.getloadavg()[0]:.1f}")
