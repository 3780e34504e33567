"""`python -m web evaluate` on a whole Hintline: what is killed half-way is gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, standing, until
from web.evaluation import sets

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
GOOD = Behaviour(pieces=("Look at your loop. ", "Where does it end for the failing call?"), gap_s=0)
PROGRAMS = 12
COUNTS = """
from web.evaluation.models import Evaluation, Item
row = Evaluation.objects.get()
done = row.items.filter(state="done")
print(row.state, done.filter(kind="judge").count(), done.filter(kind="write").count())
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        yield stand


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file with a few programs."""
    line = {
        "statement": "Write `top(values)`: the greatest of them.", "level": 1, "locale": "en",
        "tests": "assert top([1, 2]) == 2", "code": "def top(values):\n    return min(values)\n",
    }  # fmt: skip
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps(line) for _ in range(PROGRAMS)))
    return file


def counts(stand: Stand) -> tuple[str, int, int]:
    state, judged, written = stand.shell(COUNTS).split()
    return state, int(judged), int(written)


def test_what_is_killed_half_way_is_gone_on_with_and_nothing_asked_twice(
    stand: Stand, mine: Path, tmp_path: Path
) -> None:
    engine = stand.engines["gpu0"]
    engine.judge(*(text.text for text in sets.texts().values() if text.leak))
    engine.script(*[GOOD] * 2 * PROGRAMS)
    command = ("-m", "web", "evaluate", "--set", str(mine), "--html", str(tmp_path / "r.html"))

    stand.launch("evaluate", *command)
    until(lambda: engine.judged() > 100)
    stand.processes["node"].kill()
    stand.processes["node"].wait()
    # Its workers go with it; what was being judged then is asked once more.
    stand.processes["evaluate"].send_signal(signal.SIGINT)
    assert stand.processes.pop("evaluate").wait(60) != 0
    said = (stand.data / "evaluate.log").read_text()
    assert "The same command goes on with it." in said
    state, judged, _written = counts(stand)
    assert state == "stopped"
    assert 100 <= judged < len(sets.texts())

    stand.launch("node", "-m", "workers", "node")
    ended = subprocess.run(
        [sys.executable, *command], cwd=Path(__file__).parents[2], env=stand.env,
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Evaluation 1: fake on mine.jsonl" in ended.stdout
    assert "May: write en 1; judge up to level 4 at 0." in ended.stdout
    assert counts(stand) == ("done", len(sets.texts()), PROGRAMS)
    assert len(sets.texts()) <= engine.judged() <= len(sets.texts()) + 2
    assert engine.stats()["started"] <= PROGRAMS + 2
    assert (tmp_path / "r.html").read_text().count("<svg") == 3
