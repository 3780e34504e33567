"""Runs what needs Django in a process of its own: the bench itself begins without."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from tests.fakes.launch import ROOT

SETUP = """
import django, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django.setup()
"""


def printed(code: str) -> str:
    """What the code prints where Django is set up, over an empty folder of data."""
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        env = {**os.environ, "HINTLINE_DATA": folder}
        command = [sys.executable, "-c", SETUP + code]
        done = subprocess.run(
            command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
        )
    return done.stdout.strip()
