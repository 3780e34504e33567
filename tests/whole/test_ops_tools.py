"""The tools that ops know, `celery inspect` and Flower, work against the fleet."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import ROOT, Stand, free_port, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
NAME = re.compile(r"gpu0-\d+@.+")
CELERY = [sys.executable, "-m", "celery", "-A", "workers.app"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A stand whose workers send Celery's events."""
    environ = {"HINTLINE_TASK_EVENTS": "1"}
    with standing(tmp_path_factory.mktemp("told"), {"gpu0": FakeEngine()}, environ) as stand:
        yield stand


def inspect(stand: Stand, what: str) -> dict[str, Any]:
    done = subprocess.run(
        [*CELERY, "inspect", what, "--json", "--timeout", "20"],
        cwd=ROOT, env=stand.env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_celery_inspect_sees_workers_and_running_hints(told: Stand) -> None:
    engine = told.engines["gpu0"]
    assert [NAME.fullmatch(name) is not None for name in inspect(told, "ping")] == [True]
    ((name, stats),) = inspect(told, "stats").items()
    assert stats["pool"]["max-concurrency"] == 64
    assert stats["pid"] == int(name.removeprefix("gpu0-").partition("@")[0])

    engine.script(Behaviour(pieces=SLOW.pieces * 4, gap_s=2))
    student = told.student()
    hint = told.ask(student)
    until(lambda: engine.stats()["active"])
    running = inspect(told, "active")[name]

    assert [(task["name"], task["args"]) for task in running] == [("generate_hint", [hint["id"]])]
    student.post(hint["links"]["cancel"])
    assert told.final(hint["id"])["state"] == "cancelled"


@pytest.fixture
def flower(told: Stand) -> Iterator[httpx2.Client]:
    port = free_port()
    command = [*CELERY, "flower", "--address=127.0.0.1", f"--port={port}"]
    with (told.data / "flower.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=told.env | {"FLOWER_UNAUTHENTICATED_API": "true"},
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def asked(flower: httpx2.Client, path: str) -> dict[str, Any]:
    """Flower's answer; nothing while it starts."""
    try:
        answer = flower.get(path)
    except httpx2.TransportError:
        return {}
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return found


def test_flower_lists_workers_and_hints(told: Stand, flower: httpx2.Client) -> None:
    def workers() -> list[str]:
        return [name for name in asked(flower, "/api/workers?refresh=1") if NAME.fullmatch(name)]

    (worker,) = until(workers)
    until(lambda: asked(flower, "/api/workers")[worker].get("active_queues"))
    hint = told.ask(told.student())["id"]
    assert told.final(hint)["state"] == "answered"

    task = until(lambda: asked(flower, "/api/tasks").get(f"{hint}-1"))
    assert (task["name"], task["worker"]) == ("generate_hint", worker)
