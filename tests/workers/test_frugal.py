"""What a worker process does without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTED = """
import sys
sys.argv = ["workers", "worker", "gpu0", "--slots", "1"]
from celery.apps.worker import Worker
Worker.exitcode, Worker.start = 0, lambda worker: print(*{told})
from workers.__main__ import main
main()
"""


def words(told: str, data: Path, **environ: str) -> set[str]:
    """What a worker that begins says of itself: sys.modules, or its steps."""
    env = {"HINTLINE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "web.settings"}
    code = STARTED.format(told=told)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | env | environ, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    return set(done.stdout.decode().split())


def test_a_worker_loads_neither_admin_nor_api_nor_pages_nor_the_sandbox(tmp_path: Path) -> None:
    loaded = words("sys.modules", tmp_path)

    assert {"workers.tasks", "web.hints.models", "django_celery_results.models"} <= loaded
    unused = {"ninja", "axes", "web.urls", "web.hints.admin", "web.pages.views", "wasmtime"}
    assert not unused & loaded
    assert not {"celery.bin.celery", "prompt_toolkit"} & loaded


@pytest.mark.parametrize("wanted", [True, False])
def test_a_worker_tells_flower_that_it_lives_only_where_flower_listens(
    tmp_path: Path, wanted: bool
) -> None:
    steps = "(type(step).__name__ for step in worker.consumer.steps)"
    found = words(steps, tmp_path, HINTLINE_TASK_EVENTS=str(int(wanted)))

    assert "Tasks" in found
    assert ("Heart" in found) is wanted
