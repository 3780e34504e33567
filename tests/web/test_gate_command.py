"""`python -m web gate --jsonl`, as it is started: without a database and without Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.launch import ROOT


def test_it_answers_each_line_and_asks_no_server(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "level": 1, "locale": "en", "text": "What is `n` now?", "code": "n = 1\n"},
        {"id": 2, "level": 9, "locale": "en", "text": "What is it?"},
        {"id": 3, "level": 1, "locale": "ko", "text": "```\nn = 2\n``` 어때요?", "code": "n = 1\n"},
    ]
    nobody = {"DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c", "REDIS_URL": "redis://127.0.0.1:1"}

    done = subprocess.run(
        [sys.executable, "-m", "web", "gate", "--jsonl"],
        input="\n".join(json.dumps(line) for line in lines),
        cwd=ROOT,
        env=os.environ | nobody | {"HINTLINE_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    good, bad, leak = map(json.loads, done.stdout.splitlines())
    assert good == {"id": 1, "shown": "What is `n` now?", "ok": True, "rule": None}
    assert (bad["id"], bad["line"]) == (2, 2)
    assert leak == {"id": 3, "shown": "", "ok": False, "rule": "R1"}
