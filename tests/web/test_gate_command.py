"""`python -m web gate --jsonl`, as it is started: without a database and without Redis."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.fakes.launch import ROOT, FakeEngine
from web.engines.models import AIModelConfig, Engine
from web.ops import gating
from web.tutor.gate import judge, wording


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


def test_words_to_avoid_are_those_that_an_author_may_give() -> None:
    text = {"level": 1, "locale": "ko", "text": "정렬하면 무엇이 맨 앞에 오나요?"}
    given = (["정렬"], ["  정렬  "], ["pointer"], None, "정렬", [1], ["x" * 61], ["x"] * 51)

    lines = "\n".join(json.dumps(text | {"avoid": words}) for words in given)
    found = list(gating.answers(io.BytesIO(lines.encode())))

    assert [line.get("rule") for line in found[:4]] == ["avoid", "avoid", None, None]
    assert [line["ok"] for line in found[:4]] == [False, False, True, True]
    assert all("`avoid`" in line["error"] for line in found[4:])


LINES: list[dict[str, Any]] = [
    {"id": 1, "level": 1, "locale": "en", "text": "What is `n` now?", "code": "n = 1\n"},
    {"id": 2, "level": 1, "locale": "en", "text": "What if it were two?", "code": "n = 1\n"},
    {"id": 3, "level": 1, "locale": "en", "text": "```\nn = 2\n```?", "code": "n = 1\n"},
    {"id": 4, "level": 9, "locale": "en", "text": "What is it?"},
]


def gated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> list[dict[str, object]]:
    lines = "\n".join(json.dumps(line | {"fix": "n = 2"}) for line in LINES)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    call_command("gate", "--jsonl", "--judge", name)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.django_db
def test_a_judge_that_is_named_is_asked_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    AIModelConfig.current()
    with FakeEngine() as engine:
        Engine.objects.create(name="small", kind="api", url=engine.url, thinking="never")
        engine.judge("were two", "n = 2")
        good, leak, code, bad = gated(capsys, monkeypatch, "small")
        engine.judge(way="500")
        broken = gated(capsys, monkeypatch, "small")

    assert (good["ok"], good["rule"]) == (True, None)
    assert (leak["ok"], leak["rule"], leak["shown"]) == (False, "judge", "")
    assert code["rule"] == "R1"
    for line, said, entry in ((good, 0.02, 0), (leak, 0.98, 1), (code, 0.98, 2)):
        worded = wording.log_odds(LINES[entry]["text"], "en")
        assert line["probability"] == pytest.approx(judge.weighed(said, worded))
    assert "error" in bad
    assert [line.get("rule") for line in broken[:3]] == ["judge", "judge", "R1"]
    assert {line["probability"] for line in broken[:3]} == {None}


@pytest.mark.django_db
def test_a_judge_may_be_late_once_as_its_server_reads_the_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    AIModelConfig.current()
    monkeypatch.setattr(gating, "WITHIN_S", 0.1)
    with FakeEngine() as engine:
        Engine.objects.create(name="small", kind="api", url=engine.url, thinking="never")
        engine.judge(way="slow")
        first, second, *_ = gated(capsys, monkeypatch, "small")

    assert first["ok"]
    assert first["probability"] is not None
    assert (second["rule"], second["probability"]) == ("judge", None)


@pytest.mark.django_db
def test_a_judge_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine.objects.create(name="gpu0", kind="vllm")

    with pytest.raises(CommandError, match=r"no engine gpu9.*gpu0"):
        gated(capsys, monkeypatch, "gpu9")
