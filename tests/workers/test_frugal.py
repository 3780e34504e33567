"""What a worker process does without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = """
import sys
sys.argv = ["workers", "worker", "gpu0", "--slots", "1"]
from celery import Celery
Celery.worker_main = lambda app, command: print(*sys.modules)
from workers.__main__ import main
main()
"""


def test_a_worker_loads_neither_admin_nor_api_nor_pages(tmp_path: Path) -> None:
    env = {**os.environ, "HINTLINE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "web.settings"}
    told = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    loaded = set(told.split())

    assert {"workers.tasks", "web.hints.models", "django_celery_results.models"} <= loaded
    unused = {"ninja", "axes", "web.urls", "web.hints.admin", "web.pages.views"}
    assert not unused & loaded
