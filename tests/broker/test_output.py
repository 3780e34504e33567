"""What a child prints: all of it while there is room, and never more than a few files."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from broker.base import output as module
from broker.base.output import LINE_BYTES, OLD_FILES, TAIL_LINES, ChildOutput


@pytest.fixture
def output(tmp_path: Path) -> ChildOutput:
    return ChildOutput(tmp_path / "child.log")


def run(output: ChildOutput, code: str) -> None:
    """A child from its start to its end."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    output.read(process.stdout)
    process.wait()
    output.settle()


def test_every_line_of_every_life_is_kept(output: ChildOutput) -> None:
    run(output, "print('one'); print(); print('two', end='')")
    run(output, "import os; os.write(1, b'\\xff three\\n')")

    assert output.path.read_text() == "one\n\ntwo\n\N{REPLACEMENT CHARACTER} three\n"
    assert stat.S_IMODE(output.path.stat().st_mode) == 0o600
    assert list(output.tail) == ["one", "two", "\N{REPLACEMENT CHARACTER} three"]


def test_the_files_of_a_child_that_never_stops_printing_stay_small(
    output: ChildOutput, tmp_path: Path
) -> None:
    output._lines.maxBytes = 10_000

    run(output, "for n in range(20_000): print('line', n)")

    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["child.log", "child.log.1", "child.log.2"]
    assert len(files) == OLD_FILES + 1
    assert all(0 < each.stat().st_size <= 10_000 for each in files)
    assert output.path.read_text().endswith("line 19999\n")
    assert len(output.tail) == TAIL_LINES


def test_a_line_without_end_is_kept_in_parts(output: ChildOutput) -> None:
    run(output, f"print('x' * {3 * LINE_BYTES})")

    assert max(map(len, output.path.read_text().splitlines())) <= LINE_BYTES


def test_a_full_disk_stops_nobody_and_the_last_lines_are_known(tmp_path: Path) -> None:
    (tmp_path / "child.log").symlink_to("/dev/full")
    output = ChildOutput(tmp_path / "child.log")

    run(output, "for n in range(2000): print('line', n)")
    assert output.tail[-1] == "line 1999"

    (tmp_path / "child.log").unlink()
    run(output, "print('room again')")
    assert (tmp_path / "child.log").read_text() == "room again\n"


def test_a_log_that_cannot_be_opened_stops_nobody(tmp_path: Path) -> None:
    output = ChildOutput(tmp_path / "missing" / "child.log")

    run(output, "print('said')")

    assert list(output.tail) == ["said"]


def test_who_inherited_the_pipe_is_not_waited_for(
    output: ChildOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_S", 0.1)
    code = "import subprocess; print('said', flush=True); subprocess.Popen(['sleep', '3'])"

    run(output, code)

    assert list(output.tail) == ["said"]
