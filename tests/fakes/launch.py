"""FakeEngine, BadServer and FakeVllm: the fakes' processes, as tests and benches hold them."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from tests.fakes.behaviour import Behaviour
from tests.fakes.vllm_faults import Fault

ROOT = Path(__file__).parents[2]


class Fake:
    """A fake's process, started at once; a context manager."""

    def __init__(self, module: str, port: int, options: list[str]) -> None:
        command = [sys.executable, "-m", module, "--port", str(port), *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"{module} did not start: exit {self.process.returncode}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kills it, as a crash would: open streams break. May be called twice."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def ask(self, method: str, path: str, body: str = "") -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text(method, path, body))
        return answer

    def text(self, method: str, path: str, body: str = "") -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body.encode())
            return connection.getresponse().read().decode()
        finally:
            connection.close()


class FakeEngine(Fake):
    """tests.fakes.engine. seconds: all streams tick together for so long.

    most: their lengths differ, from chunks to this many, at the same pace.
    rate, window_s, retry_after: of a hosted API, as on its command line.
    times: keep when each chunk was sent, for `sent`.
    """

    def __init__(
        self, *, chunks: int = 60, most: int = 0, seconds: float = 0.0, port: int = 0,
        rate: int = 0, window_s: float = 10.0, retry_after: str = "", times: bool = False,
    ) -> None:  # fmt: skip
        options = ["--chunks", str(chunks), "--most", str(most), "--seconds", str(seconds)]
        options += ["--rate", str(rate), "--window-s", str(window_s), "--retry-after", retry_after]
        options += ["--times"] * times
        super().__init__("tests.fakes.engine", port, options)

    def script(self, *behaviours: Behaviour) -> None:
        """Replaces what is left of the script before."""
        self.ask("POST", "/script", json.dumps([item.as_json() for item in behaviours]))

    def judge(self, *leaks: str, way: str = "honest") -> None:
        """As tests.fakes.judging has them; without any it is honest and knows of no leak."""
        self.ask("POST", "/judge", json.dumps({"leaks": leaks, "way": way}))

    def judged(self) -> int:
        """How often it was asked since it was told how to judge."""
        asked: int = self.ask("GET", "/judge")["asked"]
        return asked

    def stats(self) -> dict[str, Any]:
        """As tests.fakes.engine.Stats."""
        return self.ask("GET", "/stats")

    def sent(self) -> dict[str, list[tuple[float, int]]]:
        """As tests.fakes.engine.Engine.sent."""
        return self.ask("GET", "/sent")


class BadServer(Fake):
    """tests.fakes.badserver. gap_s: between the words of an answer."""

    def __init__(self, *, port: int = 0, gap_s: float = 0.002) -> None:
        super().__init__("tests.fakes.badserver", port, ["--gap-s", str(gap_s)])

    def at(self, mode: str) -> str:
        """Base URL of the engine that misbehaves in this way."""
        return f"http://127.0.0.1:{self.port}/{mode}/v1"

    def log(self) -> list[dict[str, Any]]:
        """The last requests: mode, path, headers, body."""
        requests: list[dict[str, Any]] = json.loads(self.text("GET", "/log"))
        return requests

    def reset(self) -> None:
        self.ask("POST", "/reset")


class FakeVllm(Fake):
    """tests.fakes.vllm. Options as its command line has them: step_s=0 is --step-s 0."""

    def __init__(self, *, port: int = 0, **options: float | str) -> None:
        named = [(f"--{name.replace('_', '-')}", str(value)) for name, value in options.items()]
        super().__init__("tests.fakes.vllm", port, [part for pair in named for part in pair])
        self.options = options

    def fault(self, fault: Fault) -> None:
        """What crashes the server breaks the answer off too."""
        try:
            self.ask("POST", "/fault", json.dumps(fault.as_json()))
        except (OSError, ValueError):
            self.process.wait()

    def state(self) -> dict[str, Any]:
        """As tests.fakes.vllm.Server.state."""
        return self.ask("GET", "/state")

    def metrics(self) -> dict[str, float]:
        """Value of each series, `name{labels}` as it is written."""
        lines = self.text("GET", "/metrics").splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def again(self) -> FakeVllm:
        """A new process like this one on its port: the engine after a restart, its cache empty."""
        self.stop()
        return FakeVllm(port=self.port, **self.options)
