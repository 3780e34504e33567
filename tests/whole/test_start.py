"""The one-command start: everything runs, nothing is left over, the real local model answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

import httpx2
import psutil
import pytest

from broker import embedded, fleet
from broker.base.errors import BrokerDown
from broker.connect import Broker
from broker.embedded import Embedded
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
        self.output, self.mark = data.parent / f"{data.name}.out", 0
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self, output: Path) -> None:
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web", "start"], cwd=ROOT, env=self.env,
                stdout=file, stderr=file,
            )  # fmt: skip

    def start(self) -> str:
        """Answers what it printed until it was ready."""
        self.begin(self.output)
        until(lambda: "Ready after" in self.printed() or self.process.poll() is not None, 120)  # type: ignore[union-attr]
        return self.printed()

    def printed(self) -> str:
        """Since its start, or since it was marked."""
        return self.output.read_text()[self.mark :]

    def marked(self) -> Start:
        self.mark = len(self.output.read_text())
        return self

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def shell(self, code: str) -> str:
        """What it printed: Python with Django set up, over the folder."""
        setup = "import django; django.setup()\n"
        settings = {"DJANGO_SETTINGS_MODULE": "web.settings"}
        return subprocess.run(
            [sys.executable, "-c", setup + code],
            cwd=ROOT, env=self.env | settings, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def site(self) -> int:
        """The status of its sign-in page; 0 without an answer."""
        try:
            url = f"http://127.0.0.1:{self.port}/accounts/login/"
            return httpx2.get(url, timeout=2).status_code
        except httpx2.TransportError:
            return 0

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children()

    def descendants(self) -> set[int]:
        assert self.process is not None
        return {each.pid for each in psutil.Process(self.process.pid).children(recursive=True)}

    def child(self, *words: str) -> int:
        """The pid of the process that was started with these arguments; 0 while there is none."""
        for child in self.children():
            with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if set(words) <= set(child.cmdline()):
                    return child.pid
        return 0

    def slots(self) -> int:
        """Of all live workers, as the dispatcher knows them; 0 while it does not answer."""
        with suppress(BrokerDown), closing(Broker(embedded.url(self.data))) as broker:
            return sum(load.slots for load in broker.run(fleet.snapshot()).values())
        return 0

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


@contextmanager
def clean(data: Path) -> Iterator[Start]:
    """Whatever happens, none of its processes is left."""
    start = Start(data)
    try:
        yield start
    finally:
        for pid in start.left():
            os.kill(pid, signal.SIGKILL)
        if start.process is not None:
            start.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with clean(tmp_path / "d") as start:
        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with clean(tmp_path_factory.mktemp("start") / "d") as start:
        assert "Ready after" in start.start()
        yield start
        assert start.end(signal.SIGINT) == 0


@pytest.fixture
def running(shared: Start) -> Start:
    """One that runs, for tests that leave it running."""
    until(lambda: shared.site() == 200 and shared.slots())
    return shared.marked()


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


def test_a_start_that_was_killed_is_followed_by_another(start: Start) -> None:
    assert "Ready after" in start.start()
    start.end(signal.SIGKILL)

    assert "Ready after" in start.start()

    assert start.end(signal.SIGINT) == 0


def test_a_second_start_on_the_folder_touches_nothing(running: Start) -> None:
    files = {path: path.stat().st_mtime_ns for path in running.data.glob("*") if path.is_dir()}
    children, all_of_it = running.children(), set(running.left())

    second = subprocess.run(
        [sys.executable, "-m", "web", "start"], cwd=ROOT, env=running.env,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert f"Another start, pid {running.process.pid}, runs on {running.data}" in line  # type: ignore[union-attr]
    assert second.stdout == ""
    assert running.children() == children
    # One of its own may come later; none is left of the second start.
    assert set(running.left()) <= all_of_it | running.descendants()
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert running.site() == 200


@pytest.mark.parametrize("words", [("broker",), ("engine",), ("node",), ("web.asgi:application",)])
def test_a_process_that_stands_still_is_started_again(running: Start, words: tuple[str]) -> None:
    before = running.child(*words)

    os.kill(before, signal.SIGSTOP)
    until(lambda: "hangs: silent for 10 s, killed" in running.printed())

    until(lambda: running.child(*words) not in (0, before))
    until(lambda: running.site() == 200)
    until(lambda: running.slots())


def test_nobody_names_their_own_address(running: Start) -> None:
    """Each try comes from another one, if the headers of who asks were believed."""
    url = f"http://127.0.0.1:{running.port}"
    with httpx2.Client(base_url=url, timeout=20) as guesser:
        guesser.get("/accounts/login/")
        form = {"username": "student", "csrfmiddlewaretoken": guesser.cookies["csrftoken"]}
        tries = []
        for number in range(12):
            address = f"203.0.113.{number}"
            forged = {
                "X-Forwarded-For": address,
                "X-Real-IP": address,
                "Forwarded": f"for={address}",
                # Were this one believed, Django would refuse a form without a Referer.
                "X-Forwarded-Proto": "https",
            }
            answer = guesser.post(
                "/accounts/login/", data=form | {"password": f"guess {number}"}, headers=forged
            )
            tries.append(answer.status_code)

        assert tries[0] == 200
        assert tries[-1] == 429
        assert guesser.get("/metrics").status_code == 200
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
            for address in ("10.0.0.7", "203.0.113.5"):
                assert guesser.get("/metrics", headers={name: address}).status_code == 404


def test_a_valkey_that_stands_still_is_started_again(running: Start) -> None:
    with closing(Broker(embedded.url(running.data))) as broker:
        before = broker.client.info("server")["process_id"]

    os.kill(before, signal.SIGSTOP)
    until(lambda: "valkey died (exit 1)" in running.printed())

    until(lambda: running.slots())


def test_a_redis_that_refuses_ends_nothing(running: Start) -> None:
    """As with a full disk, of which NOREPLICAS is the form that can be switched on and off."""
    with closing(Broker(embedded.url(running.data))) as broker:
        broker.client.config_set("min-replicas-to-write", 1)
        sleep(25)
        assert running.process is not None
        assert running.process.poll() is None
        assert running.site() == 200
        broker.client.config_set("min-replicas-to-write", 0)

    until(lambda: running.slots())


def test_a_full_disk_under_its_own_lines_ends_nothing(start: Start) -> None:
    start.start()
    assert start.end(signal.SIGINT) == 0
    for log in (start.data / "logs").iterdir():
        log.unlink()
        log.symlink_to("/dev/full")

    start.begin(Path("/dev/full"))
    until(lambda: start.site() == 200 and start.slots(), 120)
    before = start.child("node")
    os.kill(before, signal.SIGKILL)

    until(lambda: start.child("node") not in (0, before))
    until(lambda: start.slots())
    assert start.process is not None
    assert start.process.poll() is None


def test_what_it_keeps_is_not_for_others(start: Start) -> None:
    start.data.mkdir(mode=0o755)
    (start.data / "logs").mkdir(mode=0o755)

    printed = start.start()

    assert f"{start.data} was open to others" in printed
    found = [start.data, *start.data.rglob("*")]
    assert len(found) > 10
    assert not [path for path in found if path.exists() and path.stat().st_mode & 0o77]
    assert start.end(signal.SIGINT) == 0


def test_damaged_files_of_valkey_are_named_in_one_line(start: Start) -> None:
    with Embedded(start.data), closing(Broker(embedded.url(start.data))) as broker:
        broker.client.set("k", "v" * 100)
    (kept,) = (start.data / "valkey" / "appendonlydir").glob("*.incr.aof")
    kept.write_bytes(kept.read_bytes() + bytes(200))

    printed = start.start()

    (line,) = (line for line in printed.splitlines() if "cannot read what it kept" in line)
    assert f"{kept.name}). Put {kept.parent} aside: no accepted hint is lost" in line
    assert "Traceback" not in printed
    assert start.left() == []


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


LICENSED = """
from tests.web.kit import licensed
from web.engines.models import AIModelConfig
licensed("SmolLM2-135M-Instruct", levels={"en": [3]})
# On a CPU each more request is seconds.
AIModelConfig.objects.update(judged_by="none", diagnoses=False)
"""
ASKED = """
from web.hints.models import ModelCall
print(*ModelCall.objects.values_list("purpose", flat=True))
"""


def replayed(start: Start, level: int, programs: int) -> list[dict[str, Any]]:
    """How the hints for so many programs have ended, up to this level."""
    records, out = ROOT / "tests" / "data" / "buggy_python.jsonl", start.data / "replay.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "tests.replay", str(records), "--limit", str(programs),
         "--level", str(level), "--out", str(out)],
        cwd=ROOT, env=start.env, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_the_bundled_model_is_asked_only_once_somebody_lets_it_write(running: Start) -> None:
    """Whatever it writes then, each hint ends with words."""
    by_default = replayed(running, 1, programs=2)
    assert [(each["source"], each["reason"]) for each in by_default] == [
        ("evidence", "unlicensed")
    ] * 2
    assert running.shell(ASKED) == ""

    running.shell(LICENSED)
    # One: each is half a minute of a processor's time.
    let = replayed(running, 3, programs=1)

    assert all(each["text"] for each in let)
    assert [each["level"] for each in let if each["reason"] != "unlicensed"] == [3]
    assert "write" in running.shell(ASKED)
