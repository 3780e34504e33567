"""python -m tests.compose.check: starts the stack with two fake vLLMs, breaks it, takes it down.

Needs Docker, its compose and a curl that speaks HTTP/2, so it is no part of CI. What it starts is
a project of its own, `hintline-check`, on ports 8080 and 8443, with an image of this tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

ROOT = Path(__file__).parents[2]
SITE = "https://localhost:8443"
STEP_S = 0.25
"""Of the fakes: slow enough to break a stream in its middle."""
EXERCISES = ("rice-days", "lamp-positions", "lowest-balance", "hashtags")
COMPOSE = ["docker", "compose"]
if shutil.which("docker-compose"):
    COMPOSE = ["docker-compose"]


def run(command: list[str], **more: Any) -> str:
    done = subprocess.run(command, text=True, capture_output=True, **more)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
    return done.stdout


def until(question: Callable[[], bool], what: str, within_s: float = 90) -> None:
    deadline_s = monotonic() + within_s
    while not question():
        assert monotonic() < deadline_s, f"{what}: not within {within_s} s"
        sleep(0.2)


class Stack:
    """The containers. folder: a copy of compose/ with an .env of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "compose", folder, ignore=shutil.ignore_patterns(".env*", "models"))
        self.folder = folder
        run(["sh", str(folder / "init.sh")])
        fakes = ROOT / "tests" / "compose" / "fakes.yml"
        self.command = [*COMPOSE, "-f", str(folder / "compose.yml"), "-f", str(fakes)]
        self.command += ["--project-directory", str(folder), "--project-name", "hintline-check"]
        self.environment = os.environ | {
            "HTTP_PORT": "8080", "HTTPS_PORT": "8443", "STEP_S": str(STEP_S),
            "TESTS": str(ROOT / "tests"), "IMAGE": "hintline-check",
        }  # fmt: skip

    def __call__(self, *arguments: str) -> str:
        return run([*self.command, *arguments], env=self.environment)

    def build(self) -> None:
        target = ["--file", str(ROOT / "compose" / "Dockerfile"), "--target", "app"]
        run(["docker", "build", *target, "--tag", "hintline-check", str(ROOT)])

    def health(self, service: str) -> str:
        container = self("ps", "-q", service).strip()
        form = "{{.State.Health.Status}}"
        return run(["docker", "inspect", "-f", form, container]).strip() if container else "none"

    def logs(self) -> str:
        return self("logs", "--no-color", "--tail", "15", "web", "events", "node")


class Student:
    """The demo student's browser: curl over HTTP/2, with the cookies of a sign-in."""

    def __init__(self, stack: Stack) -> None:
        self.jar = stack.folder / "cookies"
        accounts = stack("exec", "-T", "web", "cat", "/data/accounts.txt").split()
        password = accounts[accounts.index("student") + 1]
        keep = "--cookie-jar", str(self.jar)
        self.curl("/accounts/login/", *keep)
        form = f"csrfmiddlewaretoken={self.token()}&username=student&password={password}"
        assert self.curl("/accounts/login/", *keep, "--data", form)[0] == (2, 302)

    def token(self) -> str:
        lines = (line.split("\t") for line in self.jar.read_text().splitlines())
        return next(line[6] for line in lines if line[5:6] == ["csrftoken"])

    def arguments(self, path: str) -> list[str]:
        sent = ["--cookie", str(self.jar), "-H", f"Referer: {SITE}/"]
        return ["curl", "-skN", "--http2", *sent, f"{SITE}{path}"]

    def curl(self, path: str, *more: str) -> tuple[tuple[int, int], str]:
        """HTTP version and status, and the body."""
        form = "\n%{http_version} %{http_code}"
        body, _, last = run([*self.arguments(path), "-w", form, *more]).rpartition("\n")
        version, status = last.split()
        return (int(version), int(status)), body

    def ask(self, exercise: str = "rice-days") -> str:
        name = exercise.replace("-", "_")
        wish = {"exercise": f"python-steps/{exercise}", "level": 1, "locale": "en",
                "code": f"def {name}(*given):\n    return {monotonic()}\n"}  # fmt: skip
        headers = ["-H", f"X-CSRFToken: {self.token()}", "-H", "Content-Type: application/json"]
        head, body = self.curl("/v1/hints", *headers, "--data", json.dumps(wish))
        assert head == (2, 202), body
        return str(json.loads(body)["id"])

    def read(self, hint: str) -> dict[str, Any]:
        head, body = self.curl(f"/v1/hints/{hint}")
        assert head == (2, 200), body
        found: dict[str, Any] = json.loads(body)
        return found

    def ends(self, hint: str) -> dict[str, Any]:
        until(lambda: self.read(hint)["state"] not in ("queued", "running"), f"hint {hint}")
        return self.read(hint)


class Watch(threading.Thread):
    """An event stream, read as it comes."""

    def __init__(self, student: Student, hint: str) -> None:
        super().__init__(daemon=True)
        self.command = student.arguments(f"/v1/events?hint={hint}")
        self.events: list[tuple[float, str, dict[str, Any]]] = []
        """When, what, and its data."""
        self.start()

    def run(self) -> None:
        name = ""
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True) as curl:
            assert curl.stdout
            for line in curl.stdout:
                field, _, value = line.rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    self.events.append((monotonic(), name, json.loads(value)))

    def seen(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at_s, data) for at_s, each, data in self.events if each == name]

    def engine(self) -> str:
        until(lambda: bool(self.seen("started")), "the start of a hint")
        return str(self.seen("started")[-1][1]["engine"])

    def text(self) -> str:
        """What a page shows: a reset takes back what came before it."""
        last = max((i for i, (_, name, _) in enumerate(self.events) if name == "reset"), default=-1)
        pieces = (data["text"] for _, name, data in self.events[last + 1 :] if name == "piece")
        return "".join(pieces)


def check_edges(stack: Stack, student: Student) -> str:
    """Plain HTTP is sent to TLS, metrics and other host names are not served."""
    plain = "-w", "%{http_code} %{redirect_url}", "-o", "/dev/null", "http://localhost:8080/x"
    assert run(["curl", "-s", *plain]) == "308 https://localhost/x"
    assert student.curl("/metrics")[0] == (2, 404)
    assert student.curl("/", "-H", "Host: other.example")[0] == (2, 400)
    return "308 to https, /metrics 404, another host 400"


def check_hint(stack: Stack, student: Student) -> str:
    """A hint over HTTP/2, by stream and by polling, and nginx holds nothing back."""
    hint = student.ask()
    watch = Watch(student, hint)
    watch.join(60)
    started, done = watch.seen("started")[0], watch.seen("done")[0]
    final = student.read(hint)
    assert (final["state"], final["source"]) == ("answered", "model"), final
    assert watch.text().strip() == final["text"]
    assert done[0] - started[0] > STEP_S, "the stream came in one go"
    return f"answered by {started[1]['engine']}, {done[0] - started[0]:.1f} s from start to done"


def check_lost(stack: Stack, student: Student, how: str) -> str:
    """The engine of a running hint is stopped or killed: its hint ends, whole, and once."""
    hint = student.ask()
    watch = Watch(student, hint)
    engine = watch.engine()
    sleep(4 * STEP_S)
    assert student.read(hint)["state"] == "running"
    stack(how, engine)
    final = student.ends(hint)
    watch.join(60)
    assert (final["state"], final["source"]) == ("answered", "model"), final
    assert watch.text().strip() == final["text"]
    assert len(watch.seen("done")) == 1
    other = student.ask("hashtags")
    assert student.ends(other)["state"] == "answered"
    stack("start", engine)
    until(lambda: stack.health(engine) == "healthy", engine)
    return f"{engine} gone in mid-stream, answered in attempt {final['attempt']}; the next one too"


def check_restart(stack: Stack, student: Student, service: str) -> str:
    """A container is made new while hints are written: every one of them ends with a text.

    With its author's, where no engine was there for 30 s: a slow machine starts a node in that.
    """
    hints = [student.ask(exercise) for exercise in EXERCISES]
    sleep(2 * STEP_S)
    stack("restart", service)
    until(lambda: stack.health(service) == "healthy", service)
    finals = [student.ends(hint) for hint in hints]
    assert all(final["text"] for final in finals), finals
    written = sum(final["source"] == "model" for final in finals)
    return f"{len(hints)} hints were on their way, {written} answered by the model"


def check_fleet(stack: Stack, student: Student) -> str:
    """Workers are added and an engine is drained while hints are written: nobody notices."""
    workers = "exec", "-T", "node", "python", "-m", "workers"
    hints = [student.ask(exercise) for exercise in EXERCISES]
    stack(*workers, "scale", "gpu0=2")
    stack(*workers, "drain", "gpu1")
    states = {hint: student.ends(hint)["state"] for hint in hints}
    assert set(states.values()) == {"answered"}, states
    stack(*workers, "resume", "gpu1")
    stack(*workers, "scale", "gpu0=1")
    return f"{len(hints)} hints were on their way, all answered"


CHECKS: dict[str, Callable[[Stack, Student], str]] = {
    "edges": check_edges,
    "a hint over HTTP/2": check_hint,
    "stop of an engine": lambda stack, student: check_lost(stack, student, "stop"),
    "kill of an engine": lambda stack, student: check_lost(stack, student, "kill"),
    "scale and drain": check_fleet,
    "restart of valkey": lambda stack, student: check_restart(stack, student, "valkey"),
    "restart of node": lambda stack, student: check_restart(stack, student, "node"),
}


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "compose")
        try:
            began_s = monotonic()
            stack.build()
            stack("up", "-d", "--no-build")
            until(lambda: stack.health("nginx") == "healthy", "nginx")
            print(f"up      {monotonic() - began_s:.0f} s")
            student = Student(stack)
            for name, check in CHECKS.items():
                try:
                    print(f"ok      {name}: {check(stack, student)}", flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"FAILED  {name}: {error}\n{stack.logs()}", flush=True)
        finally:
            stack("down", "--volumes")
    return failed


if __name__ == "__main__":
    sys.exit(main())
