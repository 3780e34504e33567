"""What a model is asked for a hint: how long that is, and how soon a worker has made it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from tests.fakes.launch import ROOT


def table() -> str:
    # In a process of its own: what is asked is made of the seed's rows, for which Django is needed.
    command = [sys.executable, "-m", "tests.bench.prompts"]
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        env = {**os.environ, "HINTLINE_DATA": folder}
        done = subprocess.run(
            command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
        )
    return done.stdout.strip()
