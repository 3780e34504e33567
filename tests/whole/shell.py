"""A Python with Django set up, kept beside a stand: to start one costs a second each time.

`python -m tests.whole.shell` is that process: it reads a request a line, and answers a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Shell:
    """env: of its process."""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.whole.shell"], cwd=ROOT, text=True,
            env=env | {"DJANGO_SETTINGS_MODULE": "web.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, code: str, *arguments: str) -> str:
        """What the code prints; it finds the arguments in sys.argv[1:]."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([code, *arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the shell died: exit {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        assert answer["error"] is None, answer["error"]
        return str(answer["printed"]).strip()

    def close(self) -> None:
        # It ends where its requests do.
        self._process.communicate()


def answer(code: str, arguments: list[str]) -> dict[str, str | None]:
    from django.db import connections

    sys.argv[1:] = arguments
    printed, error = StringIO(), None
    try:
        with redirect_stdout(printed):
            exec(code, {"__name__": "__main__", "os": os, "sys": sys})  # noqa: S102  # its purpose
    except BaseException:
        error = traceback.format_exc()
    # The site's own processes may want the database for themselves, and the next code a new look.
    connections.close_all()
    return {"printed": printed.getvalue(), "error": error}


def main() -> None:
    import django

    told = os.fdopen(os.dup(1), "w")
    # What code prints past Python's own stdout must not stand between two answers.
    os.dup2(2, 1)
    django.setup()
    for line in sys.stdin:
        code, *arguments = json.loads(line)
        told.write(json.dumps(answer(code, arguments)) + "\n")
        told.flush()


if __name__ == "__main__":
    main()
