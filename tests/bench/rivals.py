"""Requests a second against an engine that answers at once, beside what others offer.

Each rival has an environment of its own under .bench, made at first use. They only forward; a hint
also has a row, a place in the line, a lease, a gate and events. python -m tests.bench.rivals.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from broker.embedded import Embedded
from tests.bench.product import ASK, site, worker
from tests.fakes.behaviour import Behaviour
from tests.fakes.engine import Ticker
from tests.fakes.launch import ROOT, FakeEngine
from tests.whole.stand import free_port
from web.tutor.writing import prompt

SLOTS = 64
REQUESTS = 1500
PROMPTS = 60
ANSWER = Behaviour(pieces=(Ticker.TEXT,) * 5, gap_s=0)
LIMIT_S = 120
HOME = ROOT / ".bench"
CLIENT = str(Path(__file__).with_name("client.py"))
Row = tuple[str, str, str, str]

ASKING = """
from concurrent.futures import ThreadPoolExecutor
from web.hints import backlog
from web.hints.models import IN_FLIGHT, Hint
ready(int(sys.argv[3]))
news = list(asked(int(sys.argv[2])))
began = time()
with ThreadPoolExecutor(2) as web:
    list(web.map(lambda new: backlog.join(store.create(new).hint), news))
while Hint.objects.filter(state__in=IN_FLIGHT).exists():
    sleep(0.02)
took = time() - began
assert set(Hint.objects.values_list("state", flat=True)) == {"answered"}
print(took)
"""


def rows() -> list[Row]:
    plain = rate(through_plain_client)
    return [
        row("Hintline, one worker process", rate(lambda url: through_hintline(url, 1)), plain, ""),
        row("Hintline, two", rate(lambda url: through_hintline(url, 2)), plain, "> 131"),
        rival("openai-rq==0.1.2", through_openai_rq, plain),
        rival("vllm-router==0.1.17", through_vllm_router, plain),
    ]


def row(name: str, figure: float, plain: float, wanted: str) -> Row:
    return name, f"{figure:.0f}", f"{plain:.0f} (plain client)", wanted


def rival(package: str, measured: Callable[[str, Path], float], plain: float) -> Row:
    try:
        home = installed(package)
    except subprocess.CalledProcessError:
        return package.replace("==", " "), "does not install here", f"{plain:.0f}", ""
    return row(package.replace("==", " "), rate(lambda url: measured(url, home)), plain, "")


def rate(measured: Callable[[str], float]) -> float:
    """Requests a second; measured: the seconds that all take at the engine with this URL."""
    with FakeEngine() as engine:
        engine.script(*[ANSWER] * REQUESTS)
        return REQUESTS / measured(engine.url)


def through_hintline(url: str, processes: int) -> float:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(Embedded(Path(folder)))
        env = site(folder)
        for _ in range(processes):
            stack.enter_context(worker(env, SLOTS // processes))
        command = [sys.executable, "-c", ASK + ASKING, url, str(REQUESTS), str(processes)]
        told = subprocess.run(
            command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
        )
        return float(told.stdout)


def through_plain_client(url: str) -> float:
    return float(client(Path(sys.executable), "plain", url, REQUESTS, str(SLOTS)))


def through_openai_rq(url: str, home: Path) -> float:
    with openai_rq(url, home) as redis_url:
        return float(client(home / "python", "rq", redis_url, REQUESTS, str(SLOTS)))


@contextmanager
def openai_rq(url: str, home: Path) -> Iterator[str]:
    """Its worker; the URL of the Redis where it takes requests."""
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)) as redis:
        command = [str(home / "openai-rq"), "worker", "--redis-url", redis.url]
        command += ["--openai-base-url", url, "--concurrency", str(SLOTS)]
        with running(command):
            yield redis.url


def through_vllm_router(url: str, home: Path) -> float:
    port = free_port()
    command = [str(home / "vllm-router"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--worker-urls", url.removesuffix("/v1"), "--prometheus-port", str(free_port())]
    with running(command):
        until_healthy(port)
        return through_plain_client(f"http://127.0.0.1:{port}/v1")


def client(python: Path, kind: str, url: str, count: int, how: str) -> str:
    """What client.py prints."""
    lines = "\n".join(json.dumps(messages(number)) for number in range(PROMPTS))
    command = [str(python), CLIENT, kind, url, str(count), how]
    return subprocess.run(
        command, input=lines, text=True, check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
    ).stdout


def messages(number: int) -> list[prompt.Message]:
    """What Hintline would ask for a hint of level 3."""
    task = prompt.PromptTask(
        level=3, locale="en", statement="Return the sum of the list. " * 20, hint="Look at `s`.",
        mistakes="", result=f"f({number}) gave 3", code="x = 1\n" * 20,
    )  # fmt: skip
    return prompt.build(task, nonce=f"{number:08x}")


def installed(package: str) -> Path:
    """The environment's bin folder. Raises: CalledProcessError."""
    home = HOME / package
    if not (home / "done").exists():
        venv.create(home, with_pip=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
        subprocess.run(pip, check=True)
        (home / "done").touch()
    return home / "bin"


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until_healthy(port: int) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        assert time.monotonic() < deadline_s, "the router did not start"
        time.sleep(0.1)


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
