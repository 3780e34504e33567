"""FakeEngine: the fake engine's process, as tests and benches hold it."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.fakes.behaviour import Behaviour

ROOT = Path(__file__).parents[2]


class FakeEngine:
    """Started at once; a context manager. seconds: all streams tick together for so long."""

    def __init__(self, *, chunks: int = 60, seconds: float = 0.0, port: int = 0) -> None:
        command = [sys.executable, "-m", "tests.fakes.engine", "--port", str(port)]
        command += ["--chunks", str(chunks), "--seconds", str(seconds)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fake engine did not start"
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kills it, as a crash would: open streams break. May be called twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def script(self, *behaviours: Behaviour) -> None:
        """Replaces what is left of the script before."""
        self._ask("POST", "/script", json.dumps([item.as_json() for item in behaviours]))

    def stats(self) -> dict[str, Any]:
        """As tests.fakes.engine.Stats."""
        return self._ask("GET", "/stats", "")

    def _ask(self, method: str, path: str, body: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body.encode())
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()
