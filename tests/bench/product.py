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
from tests.bench.stream import CHUNKS, HINTS, SECONDS, STREAMS, Figures, measured
from tests.fakes.launch import ROOT, FakeEngine

FILL = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "web.settings"
django.setup()
from django.contrib.auth.models import User
from broker import dispatch
from web.courses.models import Exercise
from web.engines.models import AIModelConfig, Engine
from web.hints import store
from web.link import broker
from web.tutor.report import Case, Report, Verdict
Engine.objects.all().delete()
Engine.objects.create(name="gpu0", kind="vllm", url=sys.argv[1], model_name="fake", slots=1024)
AIModelConfig.objects.update(mode="vllm")
report = Report(verdict=Verdict.FAILED, total=1, first=Case(call="f(1)", expected="2", got="3"))
exercises = list(Exercise.objects.all())
for number in range(int(sys.argv[2])):
    if number % len(exercises) == 0:
        student = User.objects.create(username=f"s{number}")
    new = store.NewHint(student=student, exercise=exercises[number % len(exercises)], level=3,
        locale="en", code="x = 1\\n" * 20, question="", report=report, prefix="p")
    broker().run(dispatch.admit(store.ticket(store.create(new).hint)))
"""


def worked(hints: int = HINTS, streams: int = STREAMS, seconds: float = SECONDS) -> Figures:
    """One worker process of so many slots, with more hints waiting than it will finish.

    seconds: what the engine takes for one stream of CHUNKS.
    """
    with (
        FakeEngine(chunks=CHUNKS, seconds=seconds) as engine,
        tempfile.TemporaryDirectory() as folder,
        Embedded(Path(folder)),
    ):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "REDIS_"))}
        env |= {
            "HINTLINE_DATA": folder,
            "HINTLINE_LOG_LEVEL": "ERROR",
            "HINTLINE_HINT_TTL_S": "3600",
        }
        for command in (
            ["-m", "web", "migrate", "--verbosity", "0"],
            ["-m", "web", "seed"],
            ["-c", FILL, engine.url, str(2 * streams + hints)],
        ):
            subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL
            )
        with worker(env, streams) as process:
            return measured(engine, process, streams, hints)


@contextmanager
def worker(env: dict[str, str], slots: int) -> Iterator[psutil.Popen]:
    command = [sys.executable, "-m", "workers", "worker", "gpu0", "--slots", str(slots)]
    process = psutil.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
