"""A whole Hintline of real processes, with the fake engine at the edge."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

import httpx2

from broker.connect import Broker
from broker.embedded import Embedded
from tests.fakes.launch import FakeEngine
from tests.whole.shell import Shell

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0
STUDENTS = 90
PASSWORD = "fifteen calm geese"
"""Of the users `person0` … `person89`, who sign in with a browser, one a test."""
T = TypeVar("T")
EXERCISE = "python-steps/rice-days"
WRONG = "def rice_days(cups, per_day):\n    return 0\n"


def until(question: Callable[[], T], within_s: float = WAIT_S) -> T:
    """The first true answer; fails if none comes in time."""
    deadline = monotonic() + within_s
    while not (answer := question()):
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.05)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@dataclass
class Stand:
    """Valkey, engines, web and node over one data folder. environ: more settings.

    students: how many there are that have asked nothing yet.
    """

    data: Path
    engines: dict[str, FakeEngine]
    environ: dict[str, str] = field(default_factory=dict)
    students: int = STUDENTS
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    clients: list[httpx2.Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.valkey = Embedded(self.data)
        self.valkey.start()
        self.broker = Broker(self.valkey.url)
        self._shell: Shell | None = None
        try:
            self.set_up()
        except BaseException:
            self.close()
            raise

    def set_up(self) -> None:
        # Hosts of the machine's own shell must not reach the stand.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "REDIS_"))}
        clean.pop("DATABASE_URL", None)
        clean.pop("DJANGO_SETTINGS_MODULE", None)
        self.env = clean | {"HINTLINE_DATA": str(self.data)} | self.environ
        urls = {name: engine.url for name, engine in self.engines.items()}
        self.tokens = self.shell(SETUP, json.dumps(urls), str(self.students), PASSWORD).split()
        self.launch("web", "-m", "uvicorn", "web.asgi:application", "--port", str(self.port))
        self.launch("node", "-m", "workers", "node")
        self.staff = self.signed_in(self.tokens.pop())
        until(self.answers)
        until(lambda: self.live() == set(self.engines))

    def close(self) -> None:
        for client in self.clients:
            client.close()
        if self._shell:
            self._shell.close()
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.broker.close()
        self.valkey.stop()

    def launch(self, name: str, *arguments: str, **environ: str) -> None:
        """environ: more settings of this process."""
        env, command = self.env | environ, [sys.executable, *arguments]
        with (self.data / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log
            )

    @contextmanager
    def serving(self, name: str, port: int, *arguments: str, **environ: str) -> Iterator[None]:
        """One process more, which listens at this port."""
        self.launch(name, *arguments, **environ)
        until(lambda: listens(port))
        yield
        process = self.processes.pop(name)
        process.terminate()
        process.wait(40)

    def python(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT, env=self.env, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def shell(self, code: str, *arguments: str) -> str:
        """Runs Python with Django set up; answers what it printed.

        When this returns, what it has set counts in every process.
        """
        if self._shell is None:
            self._shell = Shell(self.env)
        printed = self._shell.run(code, *arguments)
        # web.engines.roster tells of each setting as it was at most so long ago.
        sleep(1.0)
        return printed

    def answers(self) -> bool:
        try:
            return self.staff.get("/accounts/login/").status_code == 200
        except httpx2.TransportError:
            return False

    def live(self) -> set[str]:
        """Engines that may get a hint now."""
        from broker import fleet

        loads = self.broker.run(fleet.snapshot())
        return {name for name, load in loads.items() if load.limit}

    def worker_pids(self, engine: str = "") -> list[int]:
        """Worker processes of this stand, found as children of its node."""
        import psutil

        found = []
        for child in psutil.Process(self.processes["node"].pid).children():
            # A child that has just died has no command line any more.
            with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                command = child.cmdline()
                if "worker" in command and (not engine or engine in command):
                    found.append(child.pid)
        return found

    def kill_worker(self, engine: str = "") -> None:
        for pid in self.worker_pids(engine):
            os.kill(pid, signal.SIGKILL)

    def student(self) -> httpx2.Client:
        """A student of the course who has asked nothing yet."""
        return self.signed_in(self.tokens.pop())

    def signed_in(self, token: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx2.Client(base_url=self.url, headers=headers, timeout=20)
        self.clients.append(client)
        return client

    def run(self, student: httpx2.Client) -> None:
        """Has a program run that fails its tests, the one that `ask` asks about."""
        body = {"exercise": EXERCISE, "code": WRONG}
        assert student.post("/v1/checks", json=body).status_code == 200

    def ask(self, student: httpx2.Client, **changes: Any) -> dict[str, Any]:
        """A hint as the API gave it."""
        body = {"exercise": EXERCISE, "level": 1, "code": WRONG, "locale": "en"}
        answer = student.post(
            "/v1/hints", json=body | changes, headers={"Idempotency-Key": str(uuid4())}
        )
        assert answer.status_code == 202, answer.text
        hint: dict[str, Any] = answer.json()
        return hint

    def followed(self, student: httpx2.Client, **changes: Any) -> tuple[dict[str, Any], str]:
        """A hint once it is over, and all that its student was told on the way."""
        hint = self.ask(student, **changes)
        with student.stream("GET", hint["links"]["events"]) as stream:
            events = list(frames(stream.iter_lines()))
        final = student.get(hint["links"]["self"])
        return final.json(), f"{json.dumps(events, ensure_ascii=False)} {final.text}"

    def hint(self, pk: str) -> dict[str, Any]:
        found: dict[str, Any] = self.staff.get(f"/v1/hints/{pk}").json()
        return found

    def final(self, pk: str, within_s: float = WAIT_S) -> dict[str, Any]:
        """The hint once it is over."""

        def ended() -> dict[str, Any] | None:
            hint = self.hint(pk)
            return hint if hint["finished_at"] else None

        return until(ended, within_s)  # type: ignore[return-value]

    def task_results(self, pk: str) -> list[str]:
        """`<attempt>:<status>` of each, in order."""
        # Not by Django, which takes seconds to start: tests ask until what they wait for is there.
        with closing(sqlite3.connect(self.data / "hintline.sqlite3", timeout=10)) as database:
            rows = database.execute(
                "SELECT task_id, status FROM django_celery_results_taskresult"
                " WHERE task_id LIKE ? ORDER BY task_id",
                (f"{pk}-%",),
            ).fetchall()
        return [f"{task.rpartition('-')[2]}:{status}" for task, status in rows]

    def clean(self) -> bool:
        """No lease, ticket or place in the backlog is left."""
        left = [*self.broker.client.scan_iter("hl:hint:*"), "hl:backlog"]
        tickets = [key for key in left if not key.endswith((":events", ":tip"))]
        leases = list(self.broker.client.scan_iter("hl:engine:*:leases"))
        return not self.broker.client.exists(*tickets, *leases)


@contextmanager
def standing(
    folder: Path, engines: dict[str, FakeEngine], environ: dict[str, str] | None = None,
    students: int = STUDENTS,
) -> Iterator[Stand]:  # fmt: skip
    """A stand and its engines, also those put in their place since; all of it stops at the end."""
    try:
        stand = Stand(folder, engines, environ or {}, students)
        try:
            yield stand
        finally:
            stand.close()
    finally:
        for engine in engines.values():
            engine.stop()


# All in one process: a start of Django costs seconds.
SETUP = """
import json
from django.core.management import call_command
from django.contrib.auth.hashers import make_password
from tests.web.kit import licensed
from web.people.models import User
from web.people.tokens import fresh
from web.people.models import ApiToken
from web.courses.models import Course, Membership
from web.engines.models import AIModelConfig, Engine

def token(user):
    row = ApiToken(user=user, name="stand")
    text = fresh(row)
    row.save()
    return text

call_command("migrate", verbosity=0)
call_command("seed", stdout=sys.stderr)
Engine.objects.all().delete()
for name, url in json.loads(sys.argv[1]).items():
    Engine.objects.create(
        name=name, kind="vllm", url=url, model_name="fake", slots=2, thinking="never"
    )
# As if both kinds of fakes had been evaluated: what a model may not write is not asked of it.
licensed("fake")
licensed("small")
# Words are shown as they come: with a judge they would be held. test_judging.py has one.
AIModelConfig.objects.update(mode="vllm", judged_by="none", diagnoses=False)
AIModelConfig.objects.update(first_chunk_s=5, idle_s=3)
course = Course.objects.get(slug="python-steps")
# Each test asks as often as it needs; for its own people test_quota.py gives other numbers.
Course.objects.update(hints_an_exercise=None, hints_a_day=None)
for number in range(int(sys.argv[2])):
    user = User.objects.create(username=f"student{number}")
    Membership.objects.create(user=user, course=course)
    print(token(user))
password = make_password(sys.argv[3])
for number in range(int(sys.argv[2])):
    person = User.objects.create(username=f"person{number}", password=password)
    Membership.objects.create(user=person, course=course)
print(token(User.objects.get(username="admin")))
"""


def frames(lines: Iterator[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, kind, data) of each SSE event."""
    frame: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            frame[name] = value
            continue
        if "event" in frame:
            yield frame.get("id", ""), frame["event"], json.loads(frame["data"])
        frame = {}
