"""One start on a data folder at a time, whatever became of the one before."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from broker.base.errors import HintlineError
from broker.base.folder import hold
from web.ops.management.commands import start
from web.ops.management.commands.start import Command


@pytest.fixture
def command(tmp_path: Path, settings: Any) -> Command:
    settings.DATA = tmp_path
    return Command(stdout=StringIO())


def printed(command: Command) -> str:
    text: str = command.stdout.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_second_start_is_refused_in_one_line(command: Command, tmp_path: Path) -> None:
    with command.lock_folder(), pytest.raises(HintlineError) as refused:
        Command(stdout=StringIO()).lock_folder()

    assert f"Another start, pid {os.getpid()}, runs on {tmp_path}" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_a_start_left_behind_hinders_none(command: Command, tmp_path: Path) -> None:
    (tmp_path / "start.lock").write_text("1\n")

    with command.lock_folder():
        assert printed(command) == ""


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child of a start that was killed: it ends only after a while, and has the lock as long."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    with hold(tmp_path / "start.lock") as lock:
        child = subprocess.Popen(["sleep", "2"], pass_fds=[lock.fileno()])
    (tmp_path / "start.lock").write_text(f"{gone.pid}\n")
    yield child
    child.kill()
    child.wait()


def test_the_children_of_a_start_that_was_killed_are_waited_for(
    command: Command, orphan: subprocess.Popen[bytes]
) -> None:
    with command.lock_folder():
        assert orphan.wait(10) == 0

    assert printed(command) == "Waiting for the processes of a start that was killed …\n"


def test_they_are_not_waited_for_without_end(
    command: Command, orphan: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "SITE_STOP_S", 0.1)

    with pytest.raises(HintlineError, match="Another start"):
        command.lock_folder()


def test_a_line_that_cannot_be_written_ends_nothing() -> None:
    full = open("/dev/full", "wb", buffering=0)  # noqa: SIM115  # wrapped by the next line

    with TextIOWrapper(full, write_through=True) as stdout:
        Command(stdout=stdout).tell("Ready")
