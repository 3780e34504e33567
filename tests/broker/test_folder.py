"""The data folder: closed to others, and locked by one process that lives."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from broker.base.errors import BadSetting
from broker.base.folder import Held, hold, lives, private

HOLDER = """
import pathlib, sys, time
from broker.base.folder import hold
lock = hold(pathlib.Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    private(tmp_path / "a" / "b")

    assert rights(tmp_path / "a" / "b") == 0o700


@pytest.mark.parametrize("place", ["file", "file/x", "gone"])
def test_what_cannot_be_a_folder_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("/proc/none/x")

    with pytest.raises(BadSetting, match=f"{place} cannot be a folder: "):
        private(tmp_path / place)


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o700), (0o777, 0o700), (0o750, 0o700)])
def test_a_folder_that_is_open_to_others_is_closed_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, before: int, after: int
) -> None:
    tmp_path.chmod(before)

    private(tmp_path)

    assert rights(tmp_path) == after
    assert f"{tmp_path} was open to others" in caplog.text


def test_a_folder_that_is_closed_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tmp_path.chmod(0o700)

    private(tmp_path)

    assert caplog.text == ""


def test_a_folder_whose_rights_cannot_be_changed_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    private(tmp_path)

    assert "is open to others and stays so: Operation not permitted" in caplog.text


def holder(path: Path) -> subprocess.Popen[bytes]:
    """A process that has the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    process.stdout.close()
    return process


def test_a_held_lock_is_refused_and_names_who_has_it(tmp_path: Path) -> None:
    process = holder(tmp_path / "lock")

    with pytest.raises(Held) as refused:
        hold(tmp_path / "lock")

    assert refused.value.pid == process.pid
    assert lives(process.pid)
    process.kill()
    process.wait()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_dead_process_hinders_nobody(tmp_path: Path, sent: int) -> None:
    process = holder(tmp_path / "lock")
    process.send_signal(sent)
    process.wait()
    assert not lives(process.pid)

    with hold(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_without_a_name_is_a_lock(tmp_path: Path) -> None:
    with hold(tmp_path / "lock"):
        (tmp_path / "lock").write_text("")

        with pytest.raises(Held) as refused:
            hold(tmp_path / "lock")

    assert refused.value.pid == 0


def test_a_child_that_inherits_the_lock_keeps_it(tmp_path: Path) -> None:
    lock = hold(tmp_path / "lock")
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lock.fileno()])
    lock.close()

    with pytest.raises(Held):
        hold(tmp_path / "lock")

    child.kill()
    child.wait()
    hold(tmp_path / "lock").close()
