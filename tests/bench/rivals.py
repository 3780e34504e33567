"""Requests a second against an engine that answers at once, beside what others offer.

python -m tests.bench.rivals prints it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from broker.contract.job import Message
from broker.embedded import Embedded
from tests.bench import gateways
from tests.bench.product import ASK, rescue, site, worker
from tests.bench.table import Row, ratio
from tests.fakes.behaviour import Behaviour
from tests.fakes.engine import Ticker
from tests.fakes.launch import ROOT, FakeEngine
from web.tutor.writing import prompt

SLOTS = 64
REQUESTS = 1500
PROMPTS = 60
ANSWER = Behaviour(pieces=Ticker.SENTENCES[:5], gap_s=0)
LIMIT_S = 120
CLIENT = str(Path(__file__).with_name("client.py"))

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
    """Each beside a plain client that was measured just before it: the machine's speed drifts."""
    queue, queue_row = rival(gateways.RQ, through_openai_rq)
    above = f"> {queue:.2f} of the reference (openai-rq)" if queue else ""
    return [
        row("Hintline, one worker process", lambda url: through_hintline(url, 1), "≥ 0.65")[1],
        row("Hintline, two", lambda url: through_hintline(url, 2), above)[1],
        queue_row,
        rival(gateways.ROUTER, through_vllm_router)[1],
    ]


def rival(package: str, measured: Callable[[str], float]) -> tuple[float, Row]:
    name = gateways.title(package)
    try:
        return row(name, measured)
    except subprocess.CalledProcessError:
        return 0.0, (name, "does not install here", "", "")


def row(name: str, measured: Callable[[str], float], wanted: str = "") -> tuple[float, Row]:
    """Its rate as a part of the plain client's, and the line that says so."""
    plain, figure = rate(through_plain_client), rate(measured)
    return figure / plain, ratio(name, figure, plain, wanted, "plain client")


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
        stack.enter_context(rescue(env))
        for _ in range(processes):
            stack.enter_context(worker(env, SLOTS // processes))
        command = [sys.executable, "-c", ASK + ASKING, url, str(REQUESTS), str(processes)]
        told = subprocess.run(
            command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
        )
        return float(told.stdout)


def through_plain_client(url: str) -> float:
    return float(client(Path(sys.executable), "plain", url, REQUESTS, str(SLOTS)))


def through_openai_rq(url: str) -> float:
    python = gateways.installed(gateways.RQ) / "python"
    with gateways.openai_rq(url) as redis_url:
        return float(client(python, "rq", redis_url, REQUESTS, str(SLOTS)))


def through_vllm_router(url: str) -> float:
    with gateways.vllm_router(url) as door:
        return through_plain_client(door.url)


def client(python: Path, kind: str, url: str, count: int, how: str) -> str:
    """What client.py prints."""
    lines = "\n".join(json.dumps(messages(number)) for number in range(PROMPTS))
    command = [str(python), CLIENT, kind, url, str(count), how]
    return subprocess.run(
        command, input=lines, text=True, check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
    ).stdout


def messages(number: int) -> list[Message]:
    """What Hintline would ask for a hint of level 3."""
    task = prompt.PromptTask(
        level=3, locale="en", statement="Return the sum of the list. " * 20, hint="Look at `s`.",
        mistakes="", result=f"f({number}) gave 3", code="x = 1\n" * 20,
    )  # fmt: skip
    return prompt.build(task, nonce=f"{number:08x}")


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
