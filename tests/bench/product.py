"""The whole worker against a bare script: also dispatcher, database, gate and events."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from broker.embedded import Embedded
from tests.bench.stream import FAST, Figures, Load, measured, needed
from tests.fakes.launch import ROOT
from workers.node.crew import FRUGAL

ASK = """
import json, os, sys, django
from time import sleep, time
os.environ["DJANGO_SETTINGS_MODULE"] = "web.settings"
django.setup()
from tests.web.kit import licensed
from web.people.models import User
from web.courses.models import Exercise
from web.engines.models import AIModelConfig, Engine
from web.hints import jobs, store, submissions
from web.hints.creation import NewHint
from web.tutor.evidence.report import Report, Verdict
Engine.objects.all().delete()
Engine.objects.create(
    name="gpu0", kind="vllm", url=sys.argv[1], model_name="fake", slots=1024, thinking="never"
)
AIModelConfig.objects.update(mode="vllm", judged_by="none", diagnoses=False)
licensed("fake")
# Of such a program nothing more is found out: no request stands behind these hints that would.
report = Report(verdict=Verdict.CRASHED)
exercises = list(Exercise.objects.all())

def ready(workers):
    from broker import fleet
    from web.link import broker
    def live():
        loads = broker().run(fleet.snapshot()).values()
        return sum(len(load.workers) for load in loads if load.limit)
    while live() < workers:
        sleep(0.05)

def asked(number):
    names = [User(username=f"s{n}") for n in range(number)]
    for n, student in enumerate(User.objects.bulk_create(names)):
        program = submissions.keep(submissions.ran(
            student, exercises[n % len(exercises)], "x = 1\\n" * 20, report
        ))
        yield NewHint(submission=program, level=3, locale="en", question="", prefix="p")

"""
"""The site's engine is the first argument. ready: waits for workers; asked: students' requests."""
RESCUE = """
import asyncio, django
django.setup()
from broker import nodes
from broker.connect import AsyncBroker
from workers.database import Database
from workers.background import every
from workers.guard.rescue import Rescue
from workers.node.node import AWAY
broker = AsyncBroker()
rescue = Rescue(broker, Database())
async def tick():
    await broker.run(nodes.beat("bench", "bench", nodes.NodeState(None)))
    await rescue.tick()
asyncio.run(every(1, tick, *AWAY))
"""
FILL = """
from broker import dispatch
from web.link import broker
for new in asked(int(sys.argv[2])):
    broker().run(dispatch.admit(jobs.ticket(store.create(new).hint)))
"""


def worked(load: Load = FAST) -> Figures:
    """One worker process of so many slots, with more hints waiting than it will finish."""
    with (
        load.engine() as engine,
        tempfile.TemporaryDirectory() as folder,
        Embedded(Path(folder)),
    ):
        env = site(folder)
        django(env, "-c", ASK + FILL, engine.url, str(needed(load)))
        with rescue(env), worker(env, load.streams) as process:
            return measured(engine, process, load)


def site(folder: str) -> dict[str, str]:
    """The environment of a site in this folder, with the seed course."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "REDIS_"))}
    env |= {
        "HINTLINE_DATA": folder,
        "HINTLINE_LOG_LEVEL": "ERROR",
        "HINTLINE_HINT_TTL_S": "3600",
    }
    django(env, "-m", "web", "migrate", "--verbosity", "0")
    django(env, "-m", "web", "seed")
    return env


def django(env: dict[str, str], *command: str) -> None:
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def rescue(env: dict[str, str]) -> Iterator[None]:
    """What a node does: it lives, the dispatcher hears of the engines, and hints of free slots."""
    with running(env | {"DJANGO_SETTINGS_MODULE": "web.settings"}, "-c", RESCUE):
        yield


@contextmanager
def worker(env: dict[str, str], slots: int) -> Iterator[psutil.Popen]:
    with running(env | FRUGAL, "-m", "workers", "worker", "gpu0", "--slots", str(slots)) as process:
        yield process


@contextmanager
def running(env: dict[str, str], *command: str) -> Iterator[psutil.Popen]:
    process = psutil.Popen([sys.executable, *command], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
