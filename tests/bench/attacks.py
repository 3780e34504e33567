"""What gets near and what gets past of the attacks, as a table; python -m tests.bench.attacks
tells each text that passes the rules, which the judge then is for."""

from __future__ import annotations

import subprocess
import sys

from tests.fakes.launch import ROOT

# The steps of an attempt need Django, which the bench itself begins without.
SETUP = """
import django, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django.setup()
from tests.bench import injected
"""


def table() -> str:
    return told("print(injected.table())")


def told(code: str) -> str:
    command = [sys.executable, "-c", SETUP + code]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    print(told("injected.tell()"))
