"""The asyncio pool under a real Celery worker and a real Valkey."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.exceptions import TimeLimitExceeded
from celery.result import AsyncResult

from broker.embedded import Embedded
from broker.urls import for_celery

ROOT = Path(__file__).parents[2]
SLOTS = 256


def until(check: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)
    return found


class Worker:
    """A worker process of the test app."""

    def __init__(self, url: str, slots: int, log: Path) -> None:
        self.app = Celery("client", broker=for_celery(url), set_as_current=False)
        self.app.conf.result_backend = "redis+" + url.replace("unix", "socket", 1)
        self.redis = redis.Redis.from_url(url, decode_responses=True)
        self.name = f"worker@{slots}"
        self.queue = f"queue.{slots}"
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "tests.workers.poolapp", "worker"]
        command += ["-c", str(slots), "-n", self.name, "-Q", self.queue, "-l", "INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        env = {**os.environ, "POOL_TEST_URL": url}
        env.pop("DJANGO_SETTINGS_MODULE", None)  # the test app has no Django
        with log.open("w") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        until(lambda: " ready." in log.read_text(), "the worker is ready")

    def send(self, name: str, *args: Any, **options: Any) -> AsyncResult[Any]:
        return self.app.send_task(name, args=args, queue=self.queue, **options)

    def journal(self) -> list[str]:
        return self.redis.lrange("journal", 0, -1)

    def seen(self, text: str) -> None:
        until(lambda: text in self.journal(), f"{text!r} in {self.journal()}")

    def inspect(self, what: str) -> Any:
        reply = getattr(self.app.control.inspect([self.name], timeout=10), what)()
        assert reply, f"no reply to {what}"
        return reply[self.name]

    def pool(self) -> dict[str, Any]:
        return self.inspect("stats")["pool"]

    def is_idle(self) -> bool:
        return self.pool()["in-flight"] == 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.app.close()
        self.redis.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)) as server:
        yield server.url


@contextmanager
def running(url: str, slots: int, log: Path) -> Iterator[Worker]:
    worker = Worker(url, slots, log)
    try:
        yield worker
    finally:
        worker.close()


@pytest.fixture(scope="module")
def shared(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with running(url, SLOTS, tmp_path_factory.mktemp("worker") / "log") as worker:
        yield worker


@pytest.fixture
def worker(shared: Worker) -> Worker:
    shared.redis.delete("journal", "gate")
    return shared


@pytest.fixture
def small(url: str, tmp_path: Path) -> Iterator[Worker]:
    """Two slots, for a test that stops it."""
    with redis.Redis.from_url(url) as client:
        client.delete("journal", "gate", "queue.2")
    with running(url, 2, tmp_path / "log") as worker:
        yield worker


def test_two_hundred_coroutines_run_at_once_in_one_process(worker: Worker) -> None:
    results = [worker.send("meet", 200) for _ in range(200)]

    assert [result.get(timeout=20) for result in results] == [200] * 200


def test_each_coroutine_sees_its_own_request(worker: Worker) -> None:
    results = [worker.send("identify", 0.001 * (n % 7)) for n in range(50)]

    for result in results:
        assert result.get(timeout=20) == [result.id] * 3


def test_the_hard_limit_cancels_the_coroutine(worker: Worker) -> None:
    result = worker.send("wait", "hard", time_limit=0.2)

    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=20)
    assert "hard cancelled" in worker.journal()


def test_the_hard_limit_frees_the_slot_of_a_coroutine_that_ignores_it(worker: Worker) -> None:
    result = worker.send("stubborn", time_limit=0.2)

    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=20)
    until(worker.is_idle, "the slot is free")
    worker.redis.set("gate", 1)


def test_revoke_terminate_cancels_the_coroutine_and_frees_its_slot(worker: Worker) -> None:
    result = worker.send("wait", "revoked")
    worker.seen("revoked began")
    assert [task["id"] for task in worker.inspect("active")] == [result.id]

    worker.app.control.revoke(result.id, terminate=True)

    worker.seen("revoked cancelled")
    until(worker.is_idle, "the slot is free")
    assert result.state == "REVOKED"
    assert worker.inspect("active") == []


def test_ignore_raised_in_the_coroutine_writes_no_result(worker: Worker) -> None:
    result = worker.send("ignored")
    worker.seen("ignored ran")
    until(worker.is_idle, "the slot is free")

    assert result.state == "PENDING"


def test_a_failure_is_stored_with_its_traceback(worker: Worker) -> None:
    result = worker.send("failing", "wrong")

    with pytest.raises(ValueError, match="wrong"):
        result.get(timeout=20)
    assert "poolapp.py" in result.traceback


def test_an_end_is_logged_with_the_tasks_id(worker: Worker) -> None:
    good, bad = worker.send("seven"), worker.send("failing", "wrong")
    assert good.get(timeout=20) == 7
    assert isinstance(bad.get(timeout=20, propagate=False), ValueError)

    assert f"task seven[{good.id}] succeeded in 0." in worker.log.read_text()
    assert f"task failing[{bad.id}] failed" in worker.log.read_text()


def test_an_exit_in_a_coroutine_fails_only_its_task(worker: Worker) -> None:
    with pytest.raises(RuntimeError, match="SystemExit"):
        worker.send("failing", "exit").get(timeout=20)

    assert worker.send("seven").get(timeout=20) == 7


def test_a_task_that_is_no_coroutine_fails_and_says_why(worker: Worker) -> None:
    for name in ("plain", "celery.backend_cleanup"):
        with pytest.raises(TypeError, match=f"{name} is no AsyncTask"):
            worker.send(name).get(timeout=20)

    assert worker.journal() == []
    until(worker.is_idle, "the slots are free")


def test_a_blocked_loop_is_logged_with_where_it_stands(worker: Worker) -> None:
    worker.send("block", 1.6).get(timeout=20)

    until(lambda: "the loop is blocked at" in worker.log.read_text(), "the log line")
    assert "in block" in worker.log.read_text()
    assert "loop-lag-ms" in worker.pool()


def test_a_raising_result_backend_leaks_no_slot(small: Worker) -> None:
    for _ in range(6):
        small.send("unstorable")

    until(lambda: small.journal().count("unstorable ran") == 6, "six bodies through two slots")
    assert small.send("seven").get(timeout=20) == 7
    until(small.is_idle, "the slots are free")
    assert small.inspect("active") == []


def test_a_task_revoked_while_it_waits_never_runs(small: Worker) -> None:
    held = [small.send("gated", f"g{n}") for n in range(2)]
    until(lambda: len(began(small)) == 2, "the slots are taken")
    waiting = small.send("gated", "late")
    until(lambda: small.redis.llen(small.queue) == 1, "it waits in the queue")

    small.app.control.revoke(waiting.id, terminate=True, destination=[small.name])
    until(lambda: waiting.id in small.inspect("revoked"), "the worker knows")
    small.redis.set("gate", 1)

    assert [result.get(timeout=20) for result in held] == ["g0", "g1"]
    until(lambda: waiting.state == "REVOKED", "it is recorded")
    assert "late began" not in small.journal()


def test_warm_shutdown_drains_and_leaves_what_has_no_slot(small: Worker) -> None:
    results = [small.send("gated", f"g{n}") for n in range(3)]
    until(lambda: len(began(small)) == 2, "the slots are taken")
    until(lambda: small.redis.llen(small.queue) == 1, "the third waits in the queue")

    small.process.send_signal(signal.SIGTERM)
    until(lambda: "draining 2 tasks" in small.log.read_text(), "it shuts down")
    small.redis.set("gate", 1)

    assert small.process.wait(30) == 0
    assert sorted(result.state for result in results) == ["PENDING", "SUCCESS", "SUCCESS"]
    assert small.redis.llen(small.queue) == 1
    assert small.journal()[0] == "up"
    assert small.journal()[-1] == "down"


def test_cold_shutdown_gives_time_and_then_cancels(small: Worker) -> None:
    quick = small.send("gated", "quick")
    small.send("wait", "slow")
    until(lambda: len(began(small)) == 2, "both run")

    small.process.send_signal(signal.SIGQUIT)
    until(lambda: "Soft Shutdown" in small.log.read_text(), "the time runs")
    small.redis.set("gate", 1)
    small.process.wait(30)

    assert quick.state == "SUCCESS"
    assert small.journal()[-2:] == ["slow cancelled", "down"]


def began(worker: Worker) -> list[str]:
    return [text for text in worker.journal() if text.endswith("began")]
