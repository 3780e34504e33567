"""Child processes: what they are given, and that they end with whoever started them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from web.runner import build
from web.runner.cases import Asserts
from web.runner.checker import Checker

ROOT = Path(__file__).parents[2]
TESTS = Asserts("assert f(1) == 2")
RIGHT = "def f(x): return x + 1"
PARENT = """
import sys, threading
from web.runner.cases import Asserts, RunLimits
from web.runner.checker import Checker
checker = Checker(processes=1)
checker.check("def f(x): return 2", Asserts("assert f(1) == 2"))
with checker.places.take() as sandbox:
    print(sandbox.process.pid, flush=True)
if sys.argv[1] == "busy":
    checker.check("while True: pass", Asserts("assert f(1) == 2"), RunLimits(60.0))
threading.Event().wait()
"""


def test_a_child_has_no_secret_and_no_file_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINTLINE_SECRET_KEY", "hunter2")
    with closing(Checker(processes=1)) as checker:
        checker.check(RIGHT, TESTS)
        with checker.places.take() as sandbox:
            assert sandbox.process
            child = psutil.Process(sandbox.process.pid)
            assert set(child.environ()) <= {"PYTHONPATH", "LC_CTYPE"}
            opened = {Path(each.path).name for each in child.open_files()}
            assert opened <= {build.machine_code().name}
            assert child.net_connections() == []


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_child_ends_with_a_parent_that_was_killed(state: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, state], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    if state == "busy":
        before_s = child.cpu_times().user
        while child.cpu_times().user < before_s + 0.1:
            time.sleep(0.02)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    child.wait(timeout=10)


def test_without_the_component_it_is_said_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    with (
        closing(Checker(processes=1)) as checker,
        pytest.raises(build.NotBuilt, match=r"python -m web\.runner\.build"),
    ):
        checker.check(RIGHT, TESTS)


def test_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "sparc")

    with pytest.raises(build.NotBuilt, match="this is Linux sparc"):
        build.wasm_engine()


def test_what_is_built_follows_the_guest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    monkeypatch.setattr(build, "GUEST", tmp_path)
    before = build.machine_code()

    (tmp_path / "app.py").write_text("x = 2\n")

    assert build.machine_code() != before
