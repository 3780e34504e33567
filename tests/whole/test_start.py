"""The one-command start: everything runs, nothing is left over, the real local model answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.whole.stand import ROOT, free_port, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]


class Start:
    """`python -m web start` over one data folder."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "REDIS_"))}
        self.env = clean | {
            "HINTLINE_DATA": str(data),
            "HINTLINE_PORT": str(self.port),
            "HINTLINE_LOCAL_PORT": str(free_port()),
            "PYTHONUNBUFFERED": "1",
        }
        self.output = data.parent / f"{data.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Answers what it printed until it was ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web", "start"], cwd=ROOT, env=self.env,
                stdout=output, stderr=output,
            )  # fmt: skip
        until(lambda: "Ready after" in self.printed() or self.process.poll() is not None, 120)  # type: ignore[union-attr]
        return self.printed()

    def printed(self) -> str:
        return self.output.read_text()

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def left(self) -> list[int]:
        """Processes that still work for this folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HINTLINE_DATA") == str(self.data):
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    start = Start(tmp_path / "d")
    yield start
    for pid in start.left():
        os.kill(pid, signal.SIGKILL)
    if start.process is not None:
        start.process.wait()


def test_start_stop_and_start_again(start: Start) -> None:
    first = start.start()
    assert "Demo accounts" in first
    accounts = start.data / "accounts.txt"
    assert accounts.stat().st_mode & 0o777 == 0o600
    assert httpx2.get(f"http://127.0.0.1:{start.port}/accounts/login/").status_code == 200

    assert start.end(signal.SIGINT) == 0
    assert start.printed().endswith("Stopped.\n")
    assert start.left() == []

    second = start.start()
    assert "Ready after" in second
    assert "Demo accounts" not in second
    assert start.end(signal.SIGTERM) == 0
    assert start.left() == []


def test_no_orphan_outlives_a_start_that_is_killed(start: Start) -> None:
    assert "Ready after" in start.start()
    assert len(start.left()) >= 5

    start.end(signal.SIGKILL)

    until(lambda: start.left() == [])


def test_a_taken_port_is_named_in_one_line(start: Start) -> None:
    import socket

    with socket.create_server(("127.0.0.1", start.port)):
        printed = start.start()

    assert f"Port {start.port} is taken" in printed
    assert "HINTLINE_PORT" in printed
    assert "Traceback" not in printed
    assert start.left() == []


def test_a_bad_setting_is_named_with_what_is_allowed(start: Start) -> None:
    start.env["HINTLINE_LOCAL_SLOTS"] = "many"

    printed = start.start()

    assert printed == "Bad setting: HINTLINE_LOCAL_SLOTS='many': use int from 1 to 64\n"


def test_the_real_local_model_gives_a_hint(start: Start) -> None:
    """Whatever it writes, the hint ends with words that the gate let through."""
    records = ROOT / "tests" / "data" / "buggy_python.jsonl"
    start.start()

    done = subprocess.run(
        [sys.executable, "-m", "web", "replay", str(records), "--limit", "2",
         "--out", str(start.data / "replay.jsonl")],
        cwd=ROOT, env=start.env, capture_output=True, text=True, timeout=240,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "2/2" in done.stdout
    start.end(signal.SIGINT)
