"""`python -m web evaluate`: what it begins, what it refuses, and what it prints."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.web.test_evaluation_page import LINE, engine, measured
from web.engines import licences
from web.engines.models import AIModelConfig, Engine, Mode
from web.evaluation import creation
from web.evaluation.models import Evaluation

__all__ = ["engine"]
pytestmark = pytest.mark.django_db


def evaluate(*arguments: Any) -> str:
    out = StringIO()
    call_command("evaluate", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps(LINE))
    return file


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches finds that somebody has stopped it."""
    begin = creation.begin

    def begun(*arguments: Any, **more: Any) -> Evaluation:
        row = begin(*arguments, **more)
        creation.stop(row, "the sandbox is not built")
        row.refresh_from_db()
        return row

    monkeypatch.setattr(creation, "begin", begun)


def test_what_stopped_it_is_said(line: None, engine: Engine, mine: Path, stopped: None) -> None:
    with pytest.raises(CommandError, match="Stopped: the sandbox is not built"):
        evaluate("--set", mine)

    assert Evaluation.objects.get().set_name == "mine.jsonl"


def test_no_node_is_said(line: None, engine: Engine, mine: Path, stopped: None) -> None:
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("evaluate", "--set", str(mine), stdout=out, stderr=out)

    assert "No node is alive" in out.getvalue()


def test_an_engine_must_be_one_in_use(engine: Engine, mine: Path) -> None:
    with pytest.raises(CommandError, match=r"No engine gpu9 is in use\. In use are: gpu0"):
        evaluate("--set", mine, "--engine", "gpu9")
    Engine.objects.create(name="a100", kind=Mode.VLLM)
    with pytest.raises(CommandError, match=r"Choose an --engine\. In use are: a100, gpu0"):
        evaluate("--set", mine)
    Engine.objects.update(enabled=False)
    with pytest.raises(CommandError, match="In use are: none"):
        evaluate("--set", mine)


def test_a_hosted_server_gets_a_file_only_with_a_word(
    line: None, engine: Engine, mine: Path, stopped: None
) -> None:
    AIModelConfig.objects.update(mode=Mode.API)
    Engine.objects.update(kind=Mode.API)

    with pytest.raises(CommandError, match=r"hosted API, which has not seen them.*--yes"):
        evaluate("--set", mine)
    assert not Evaluation.objects.exists()
    with pytest.raises(CommandError, match="Stopped"):
        evaluate("--set", mine, "--yes")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "/no/where"], "No such file"),
        (["--last", "7d"], "No course that allows it"),
        (["--compare", "1", "2"], "Both must be evaluations that are done"),
        (["--prompt", "v0"], "there are no prompts 'v0', but v6"),
        (["--prompt", "../v5"], "there are no prompts"),
        (["--last", "7"], "write days such as 7d"),
        (["--last", "0d"], "write days such as 7d"),
    ],
)
def test_what_cannot_be_used_is_refused(engine: Engine, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        evaluate(*arguments)
    assert not Evaluation.objects.exists()


def test_two_are_compared_and_the_page_is_written(engine: Engine, tmp_path: Path) -> None:
    before, after = measured(engine, good=False), measured(engine)
    page = tmp_path / "report.html"

    said = evaluate("--compare", before.pk, after.pk, "--html", page)

    assert "0.000 → 1.000 (+1.000)" in said
    assert f"The report is in {page}." in said
    assert page.read_text().startswith("<!doctype html>")
    with pytest.raises(CommandError, match="Is a directory"):
        evaluate("--compare", before.pk, after.pk, "--html", tmp_path)


def test_a_version_of_the_prompts_is_measured_by_itself(
    line: None, engine: Engine, mine: Path, stopped: None
) -> None:
    for arguments in ([], ["--prompt", "v6"]):
        with pytest.raises(CommandError, match="Stopped"):
            evaluate("--set", mine, *arguments)

    # Named or in use, it is the same one.
    row = Evaluation.objects.get()
    assert row.template_version == licences.template_version()
