"""Child processes: what they are given, and that they end with whoever started them."""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import psutil
import pytest

from web.runner import build, host
from web.runner.cases import Asserts, RunLimits
from web.runner.checker import Checker, SandboxBusy
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report

ROOT = Path(__file__).parents[2]
TESTS = Asserts("assert f(1) == 2")
RIGHT = "def f(x): return x + 1"
QUICK, PATIENT = RunLimits(time_s=0.3), RunLimits(time_s=3.0)
PARENT = """
import sys, threading
from web.runner.cases import Asserts, RunLimits
from web.runner.checker import Checker, SandboxBusy
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


def busy(pid: int) -> bool:
    """Whether the child is at a program now: it has used that much since it was asked."""
    with suppress(psutil.NoSuchProcess):
        before_s = psutil.Process(pid).cpu_times().user
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            if psutil.Process(pid).cpu_times().user >= before_s + 0.1:
                return True
            time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("times", "verdict"), [(1, "time"), (2, "not_run")], ids=["killed once", "killed twice"]
)
def test_a_child_that_others_kill_is_replaced_and_its_program_not_blamed(
    times: int, verdict: str
) -> None:
    with closing(Checker(processes=1)) as checker, ThreadPoolExecutor(1) as thread:
        checker.check(RIGHT, TESTS)
        running = thread.submit(checker.check, "while True: pass", TESTS, PATIENT)
        killed: set[int] = set()
        while len(killed) < times:
            process = checker.places._all[0].process
            if process and process.pid not in killed and busy(process.pid):
                process.send_signal(signal.SIGKILL)
                killed.add(process.pid)
        report = running.result(60)

        assert report.verdict == verdict
        if verdict == "not_run":
            assert report.error
            assert report.error.kind == "Lost"
            assert "mistake of yours" in l0_words(report, "en")
        assert checker.check(RIGHT, TESTS).verdict == "passed"


def test_a_child_that_stands_still_takes_no_job_and_holds_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "START_S", 1.0)
    monkeypatch.setattr(host, "SLOWEST", 1)
    # Longer than a pipe holds, as a program and its tests may be.
    long = RIGHT + "\n# " + "x" * (1 << 20)
    with closing(Checker(processes=1)) as checker:
        assert checker.check(long, TESTS).verdict == "passed"
        with checker.places.take() as sandbox:
            assert sandbox.process
            stopped = psutil.Process(sandbox.process.pid)
        for code in (long, RIGHT):
            stopped.suspend()

            report = checker.check(code, TESTS)

            assert report.verdict == "passed"
            assert not stopped.is_running()
            with checker.places.take() as sandbox:
                assert sandbox.process
                stopped = psutil.Process(sandbox.process.pid)


def test_children_die_at_any_time_and_each_run_ends_rightly() -> None:
    programs = (
        (RIGHT, "passed"), ("def f(x): return x", "failed"), ("def f(x): return y", "error"),
        ("def f(x):\n    while True: pass", "time"), ("def f(x) return x", "syntax"),
    )  # fmt: skip
    stop, dice = Event(), random.Random(7)
    ran: list[tuple[str, Report]] = []
    open_before = opened()

    def kill() -> int:
        killed = 0
        while not stop.wait(dice.uniform(0.02, 0.3)):
            processes = [each.process for each in checker.places._all if each.process]
            if processes:
                dice.choice(processes).send_signal(signal.SIGKILL)
                killed += 1
        return killed

    def run(number: int) -> None:
        code, verdict = programs[number % len(programs)]
        with suppress(SandboxBusy):  # which is said with 503
            report = checker.explain(checker.check(code, TESTS, QUICK), code, TESTS, QUICK)
            ran.append((verdict, report))

    with closing(Checker(processes=2)) as checker, ThreadPoolExecutor(5) as threads:
        list(threads.map(run, range(10)))
        memory_before = psutil.Process().memory_info().rss
        ran.clear()
        killer = threads.submit(kill)
        try:
            list(threads.map(run, range(50)))
        finally:
            stop.set()

        assert killer.result(10) >= 10
        assert len(ran) >= 40
        for verdict, report in ran:
            lost = report.error and report.error.kind == "Lost"
            assert report.verdict == ("not_run" if lost else verdict), report
        for code, verdict in programs:
            assert checker.check(code, TESTS, QUICK).verdict == verdict
        assert psutil.Process().memory_info().rss - memory_before < 32 * 2**20
    assert opened() == open_before
    assert [child for child in psutil.Process().children() if child.status() == "zombie"] == []


def opened() -> int:
    """Files that this process has open, pipes too; not those that nobody refers to any more."""
    gc.collect()
    return psutil.Process().num_fds()


def test_it_runs_also_where_thousands_of_streams_are_open() -> None:
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held: list[int] = []
    try:
        with closing(Checker(processes=1)) as checker:
            while not held or held[-1] < 1100:
                held.append(os.open(os.devnull, os.O_RDONLY))

            assert checker.check(RIGHT, TESTS).verdict == "passed"
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
