"""`python -m tests.replay`: a file that is no replay is named, real ones become exercises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.replay import replay
from tests.replay.replay import Replayed
from tests.web.kit import Caller
from web.courses.models import Exercise
from web.people.models import ApiToken

REAL = Path("tests/data/buggy_python.jsonl")
GOOD = json.dumps(dict.fromkeys(replay.KEYS, "x"))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{", "JSONDecodeError"),
        (b"[1]", "TypeError"),
        (b"7", "TypeError"),
        (b'{"id": 1}', "'title'"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"", "JSONDecodeError"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes, what: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(GOOD.encode() + b"\n" + line + b"\n")

    with pytest.raises(CommandError, match=what) as error:
        list(replay.records(path, None))

    assert str(error.value).startswith(f"{path}:2: ")


def test_the_command_says_it_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\n")

    with pytest.raises(CommandError, match=r"bad\.jsonl:1: "):
        call_command(replay.Command(), str(tmp_path / "bad.jsonl"))
    with pytest.raises(CommandError, match="No such file"):
        call_command(replay.Command(), str(tmp_path / "none.jsonl"))


@pytest.mark.django_db
def test_a_site_that_does_not_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text(f"{GOOD}\n")

    with pytest.raises(CommandError, match="does not answer: start it first"):
        call_command(replay.Command(), str(tmp_path / "good.jsonl"), url="http://127.0.0.1:1")


@pytest.mark.parametrize(("limit", "count"), [(None, 164), (3, 3), (0, 0)])
def test_the_limit_takes_the_first_records(limit: int | None, count: int) -> None:
    assert len(list(replay.records(REAL, limit))) == count


@pytest.mark.django_db
def test_records_become_exercises_their_student_may_ask_about(line: None) -> None:
    rows = list(replay.records(REAL, 5))

    replay.prepare(rows)
    token = replay.prepare(rows)

    assert Exercise.objects.count() == 5
    assert ApiToken.objects.count() == 1
    exercise = Exercise.objects.order_by("pk")[0]
    answer = Caller(token=token).ask(exercise=exercise.path, code=rows[0]["buggy_code"])
    assert answer.status_code == 202


def test_outcomes_are_written_a_line_each(tmp_path: Path) -> None:
    outcomes = [Replayed(record="a", level=1, state="answered", hint="1", text="힌트\n둘")]

    replay.write(outcomes, tmp_path / "out.jsonl")

    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(each)["text"] for each in lines] == ["힌트\n둘"]


@pytest.mark.parametrize(
    ("hint", "state", "left"),
    [("1", "running", 1), ("1", "answered", 0), ("", "refused: already-correct", 0)],
)
def test_a_hint_without_an_end_is_left_over(hint: str, state: str, left: int) -> None:
    found: list[Any] = replay.unfinished([Replayed(record="a", level=1, state=state, hint=hint)])

    assert len(found) == left
