"""What Hintline adds before an engine hears of a hint: from its admission to its request.

Half load: an engine of 64 slots at 40 tokens a second a stream, asked half as often as it could
answer, at random. python -m tests.bench.dispatch prints it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from broker.embedded import Embedded
from tests.bench import gateways, rivals
from tests.bench.product import ASK, rescue, site, worker
from tests.bench.table import Row, at, ratio
from tests.fakes.launch import ROOT, FakeVllm

SLOTS = 64
STEP_S = 0.025
ANSWER_S = 3.2
"""Of the fake's answer at level 3: 128 tokens."""
RATE = SLOTS / ANSWER_S / 2
HINTS = 320
WARM_UP = 20
"""The first hints open connections and import modules."""

ASKING = """
from random import Random
from web.hints import backlog
ready(1)
gap, sent, due = Random(1), {}, time()
for new in asked(int(sys.argv[2])):
    due += gap.expovariate(float(sys.argv[3]))
    sleep(max(0, due - time()))
    hint = store.create(new).hint
    sent[str(hint.pk)] = time()
    backlog.join(hint)
print(json.dumps(sent))
"""


def measure(asking: Callable[[str], dict[str, float]]) -> list[float]:
    """Milliseconds from the asking of each request to its arrival.

    asking: asks the engine with this URL for HINTS answers; when it asked, by the request's id.
    """
    with FakeVllm(step_s=STEP_S, per_seq_s=0, prefill_tps=0, max_num_seqs=SLOTS) as engine:
        asked = asking(engine.url)
        arrived = {one["id"]: one["at_s"] for one in engine.state()["requests"]}
    ways = [1000 * (arrived[name] - at_s) for name, at_s in asked.items() if name in arrived]
    return ways[WARM_UP:]


def through_hintline(url: str) -> dict[str, float]:
    """Asked: before the admission of a committed hint."""
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)):
        env = site(folder)
        with rescue(env), worker(env, SLOTS):
            command = [sys.executable, "-c", ASK + ASKING, url, str(HINTS), str(RATE)]
            told = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
            return {f"{hint}-1": at_s for hint, at_s in json.loads(told.stdout).items()}


def through_plain_client(url: str) -> dict[str, float]:
    return asked_by(Path(sys.executable), "plain", url)


def through_openai_rq(url: str) -> dict[str, float]:
    python = gateways.installed(gateways.RQ) / "python"
    with gateways.openai_rq(url) as redis_url:
        return asked_by(python, "rq", redis_url)


def asked_by(python: Path, kind: str, url: str) -> dict[str, float]:
    asked: dict[str, float] = json.loads(rivals.client(python, kind, url, HINTS, f"{RATE}/s"))
    return asked


def rows() -> list[Row]:
    plain, ours = measure(through_plain_client), measure(through_hintline)
    name = "admission to the request at the engine, ms, "
    client = at(plain, 0.5)
    p50 = ratio(f"{name}p50", at(ours, 0.5), client, "≤ 2 times the reference", "plain client")
    try:
        other = measure(through_openai_rq)
    except subprocess.CalledProcessError:
        return [p50, (f"{name}p99", f"{at(ours, 0.99):.1f}", "openai-rq does not install here", "")]
    return [
        p50,
        ratio(f"{gateways.title(gateways.RQ)}, p50", at(other, 0.5), client, "", "plain client"),
        (
            f"{name}p99",
            f"{at(ours, 0.99):.1f}",
            f"{at(other, 0.99):.1f} (openai-rq), {at(plain, 0.99):.1f} (plain client)",
            "< openai-rq's",
        ),
    ]


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
