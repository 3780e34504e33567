"""Diagnoses that run ahead, of real processes: once a program, and nobody waits for them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest

from broker import fleet
from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import left_clean
from tests.whole.stand import Stand, standing, until
from web.tutor.diagnosis import finding

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
ON = """
from web.engines.models import AIModelConfig, Engine
AIModelConfig.objects.update(diagnoses=True, runs_ahead=True, model_name="fake", idle_s=60)
AIModelConfig.objects.update(first_chunk_s=60)
Engine.objects.update(slots=8, worker_slots=8)
"""
OFF = """
from web.engines.models import AIModelConfig
AIModelConfig.objects.update(runs_ahead=False)
"""
WRONG = "def rice_days(cups, per_day):\n    days = cups // per_day\n    return days{}\n"
RIGHT = "def rice_days(cups, per_day):\n    days = -(-cups // per_day)\n    return days{}\n"
DIAGNOSIS = "You find out what is wrong"


def said(change: str = "", **changes: object) -> Behaviour:
    """A diagnosis that passes, of the program with this change."""
    found = {
        "fact": "rice_days(7, 3) gives 2", "misconception": "The rest needs no day of its own.",
        "lines": [2], "contradiction": "It gives 2, and 3 was expected.",
        "fixed_code": RIGHT.format(change),
    }  # fmt: skip
    given = {"pieces": (json.dumps(found),), "when": DIAGNOSIS} | changes
    return Behaviour(**given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        stand.shell(ON)
        until(lambda: slots(stand) == [8])
        until(lambda: len(stand.worker_pids()) == 1)
        yield stand


def slots(stand: Stand) -> list[int]:
    """Of each worker that lives: one with other slots than it should have is replaced."""
    return [*stand.broker.run(fleet.snapshot())["gpu0"].workers.values()]


@pytest.fixture
def stand(ready: Stand) -> Iterator[Stand]:
    yield from left_clean(ready)


def asked(stand: Stand) -> list[str]:
    """The programs that the engine was asked to diagnose, of its last fifty requests."""
    requests = [each["body"]["messages"] for each in stand.engines["gpu0"].stats()["requests"]]
    return [each[1]["content"] for each in requests if each[0]["content"] == finding.SYSTEM]


def check(student: httpx2.Client, code: str) -> None:
    body = {"exercise": "python-steps/rice-days", "code": code}
    # The sandboxes may be busy with others' programs, and a page tries again.
    until(lambda: student.post("/v1/checks", json=body).is_success)


def rows(stand: Stand, change: str) -> list[tuple[int, int]]:
    """done and verified of each diagnosis of this program."""
    with closing(sqlite3.connect(stand.data / "hintline.sqlite3", timeout=10)) as database:
        return database.execute(
            "SELECT done, verified FROM hints_diagnosis WHERE code LIKE ?", (f"%days{change}\n%",)
        ).fetchall()


def times_asked(stand: Stand, change: str) -> int:
    return sum(f"days{change}\n" in program for program in asked(stand))


def test_what_was_found_ahead_is_there_when_the_student_asks(stand: Stand) -> None:
    change, student = " + 0", stand.student()
    stand.engines["gpu0"].script(said(change))
    check(student, WRONG.format(change))
    until(lambda: rows(stand, change) == [(1, 1)])

    final = stand.final(stand.ask(student, code=WRONG.format(change))["id"])

    assert final["state"] == "answered"
    assert times_asked(stand, change) == 1


@pytest.mark.parametrize("runs_first", [True, False], ids=["run first", "only asked"])
def test_one_program_of_thirty_students_at_once_is_diagnosed_once(
    stand: Stand, runs_first: bool
) -> None:
    change = " + 1 - 1" if runs_first else " * 1"
    code = WRONG.format(change)
    stand.engines["gpu0"].script(said(change, delay_s=1.0))

    def student(number: int) -> str:
        client, mine = stand.student(), f"# number {number}\n{code}"
        if runs_first:
            check(client, mine)
        hint: str = stand.ask(client, code=mine)["id"]
        return hint

    with ThreadPoolExecutor(4) as threads:
        hints = list(threads.map(student, range(30)))
    finals = [stand.final(hint, within_s=120) for hint in hints]

    assert {final["state"] for final in finals} == {"answered"}
    assert times_asked(stand, change) == 1
    assert rows(stand, change) == [(1, 1)]


@pytest.mark.parametrize(
    ("how", "change"), [(signal.SIGKILL, " - 0"), (signal.SIGSTOP, " * 2 / 2")]
)
def test_it_goes_on_after_its_worker_was_killed_or_hung(
    stand: Stand, how: signal.Signals, change: str
) -> None:
    stand.engines["gpu0"].script(said(change, pieces=(), then=Then.HANG), said(change))
    check(stand.student(), WRONG.format(change))
    until(lambda: times_asked(stand, change) == 1)

    for pid in stand.worker_pids():
        os.kill(pid, how)

    until(lambda: rows(stand, change) == [(1, 1)])
    assert times_asked(stand, change) == 2


def test_students_have_every_slot_as_soon_as_they_need_it(stand: Stand) -> None:
    """Half of the slots are busy with diagnoses that never end."""
    hang = said(pieces=(), then=Then.HANG)
    # Those that make way come again as soon as there is room.
    stand.engines["gpu0"].script(*[hang] * 40)
    changes = [f" + {n} - {n}" for n in range(2, 6)]
    for change in changes:
        check(stand.student(), WRONG.format(change))
    until(lambda: sum(times_asked(stand, change) for change in changes) == 4)
    until(lambda: stand.broker.client.zcard("hl:engine:gpu0:ahead") == 4)

    # A program that nobody can diagnose: it is as long as one may be, and nobody is asked.
    code = f"{WRONG.format('')}x = '{'a' * 5000}'\n"
    hints = [stand.ask(stand.student(), code=code) for _ in range(8)]
    finals = [stand.final(hint["id"], within_s=15) for hint in hints]

    assert {(final["state"], final["attempt"]) for final in finals} == {("answered", 1)}
    stand.shell(OFF)
    until(stand.clean)
    until(lambda: stand.engines["gpu0"].stats()["active"] == 0)
    assert not any(rows(stand, change) for change in changes)
    stand.shell(ON)
