"""What Hintline adds before an engine hears of a hint: from its admission to its request.

Half load: an engine of 64 slots at 40 tokens a second a stream, asked half as often as it could
answer, at random. python -m tests.bench.dispatch prints it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from broker.embedded import Embedded
from tests.bench.path import at
from tests.bench.product import ASK, site, worker
from tests.fakes.launch import ROOT, FakeVllm

SLOTS = 64
STEP_S = 0.025
ANSWER_S = 3.2
"""Of the fake's answer at level 3: 128 tokens."""
HINTS = 320
WARM_UP = 20
"""The first hints open connections and import modules."""
Row = tuple[str, str, str, str]

ASKING = """
from random import Random
from web.hints import line
ready(1)
gap, sent, due = Random(1), {}, time()
for new in asked(int(sys.argv[2])):
    due += gap.expovariate(float(sys.argv[3]))
    sleep(max(0, due - time()))
    hint = store.create(new).hint
    sent[str(hint.pk)] = time()
    line.join(hint)
print(json.dumps(sent))
"""


def measure() -> list[float]:
    """Milliseconds from before the admission of a committed hint to its arrival, sorted."""
    with (
        FakeVllm(step_s=STEP_S, per_seq_s=0, prefill_tps=0, max_num_seqs=SLOTS) as engine,
        tempfile.TemporaryDirectory() as folder,
        Embedded(Path(folder)),
    ):
        env = site(folder)
        rate = SLOTS / ANSWER_S / 2
        with worker(env, SLOTS):
            command = [sys.executable, "-c", ASK + ASKING, engine.url, str(HINTS), str(rate)]
            told = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
            sent: dict[str, float] = json.loads(told.stdout)
            arrived = {one["id"]: one["at_s"] for one in engine.state()["requests"]}
    ways = [
        1000 * (arrived[f"{hint}-1"] - at_s)
        for hint, at_s in sent.items()
        if f"{hint}-1" in arrived
    ]
    return sorted(ways[WARM_UP:])


def rows() -> list[Row]:
    ways = measure()
    figure = f"{median(ways):.1f} / {at(ways, 0.99):.1f}"
    return [("admission to the request at the engine, ms, p50 / p99", figure, "–", "≤ 5 / 25")]


if __name__ == "__main__":
    print(rows())
