"""A database of another version is named in one line, and put aside without a loss."""

from __future__ import annotations

import os
import pty
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.whole.stand import ROOT, free_port

OLDER = (ROOT / "tests" / "data" / "older.sql").read_text()
DATABASE = "hintline.sqlite3"
LINE = "Another version of Hintline made the database"


class Site:
    """The commands of a site on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "DATABASE"))}
        self.env = kept | {"HINTLINE_DATA": str(data), "HINTLINE_PORT": str(free_port())}

    def run(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> tuple[int, list[str]]:
        """The exit status and the lines that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "web", *arguments], cwd=ROOT, env=self.env, stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100,
        )  # fmt: skip
        return done.returncode, done.stdout.splitlines()

    def made(self, script: str) -> None:
        with closing(sqlite3.connect(self.data / DATABASE)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(script)

    def aside(self) -> Path:
        [folder] = self.data.glob("aside-*")
        return folder


def rows(path: Path) -> list[str]:
    """All of a database: its tables and rows as SQL."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(database.iterdump())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as this version makes it."""
    site = Site(tmp_path_factory.mktemp("made"))
    assert site.run("migrate")[0] == 0
    return site.data / DATABASE


@pytest.fixture
def current(site: Site, made: Path) -> Site:
    with (
        closing(sqlite3.connect(made)) as ours,
        closing(sqlite3.connect(site.data / DATABASE)) as copy,
    ):
        ours.backup(copy)
    return site


@pytest.fixture
def older(site: Site) -> Site:
    site.made(OLDER)
    (site.data / "secret_key").write_text("a secret of long ago")
    (site.data / "accounts.txt").write_text("student old-words\n")
    return site


@pytest.fixture
def terminal() -> Iterator[Any]:
    """Answers a function that types a line into a terminal, and the terminal's other end."""
    ours, theirs = pty.openpty()

    def types(line: str) -> int:
        os.write(ours, line.encode())
        return theirs

    yield types
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("command", ["migrate", "start"])
def test_older_data_is_named_in_one_line_with_what_to_type(older: Site, command: str) -> None:
    before = rows(older.data / DATABASE)

    status, lines = older.run(command)

    told = [line for line in lines if "Error" in line]
    assert (status, len(told)) == (1, 1)
    assert LINE in told[0]
    assert str(older.data / DATABASE) in told[0]
    assert told[0].endswith(" -m web aside")
    assert not [line for line in lines if "Traceback" in line]
    assert rows(older.data / DATABASE) == before
    assert not list(older.data.glob("aside-*"))


def test_what_is_put_aside_is_whole_and_comes_back_unharmed(older: Site) -> None:
    before = rows(older.data / DATABASE)

    status, lines = older.run("aside")

    folder = older.aside()
    assert (status, lines) == (0, [f"Put aside, unharmed: {folder}"])
    assert rows(folder / DATABASE) == before
    assert (folder / "accounts.txt").read_text() == "student old-words\n"
    assert (folder / "secret_key").read_text() == "a secret of long ago"
    assert (older.data / "secret_key").read_text() == "a secret of long ago"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [
        "accounts.txt", DATABASE, "secret_key"
    ]  # fmt: skip

    assert older.run("migrate")[0] == 0
    assert older.run("seed")[0] == 0
    assert "old-words" not in (older.data / "accounts.txt").read_text()
    for path in (folder / DATABASE, folder / "accounts.txt"):
        path.replace(older.data / path.name)
    assert rows(older.data / DATABASE) == before


def test_what_is_only_in_the_log_beside_the_database_is_not_lost(older: Site) -> None:
    # A process that was killed leaves its last rows in the log alone.
    program = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1])\n"
        "database.execute(\"INSERT INTO auth_group (name) VALUES ('late')\")\n"
        "database.commit()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program, older.data / DATABASE], check=True)
    assert (older.data / f"{DATABASE}-wal").stat().st_size

    assert older.run("aside")[0] == 0

    assert [row for row in rows(older.aside() / DATABASE) if "late" in row]
    assert not list(older.data.glob(f"{DATABASE}*"))


def test_a_database_in_use_is_not_moved(older: Site) -> None:
    with closing(sqlite3.connect(older.data / DATABASE)) as other:
        other.execute("SELECT * FROM hints_hint").fetchall()

        status, lines = older.run("aside")

    assert status == 1
    assert "open: stop it first." in lines[-1]
    assert not list(older.data.glob("aside-*"))


def test_a_database_of_this_version_stays(current: Site) -> None:
    before = rows(current.data / DATABASE)

    status, lines = current.run("aside")

    assert (status, len(lines)) == (1, 1)
    assert "stays where it is" in lines[0]
    assert rows(current.data / DATABASE) == before


@pytest.mark.parametrize(
    "script",
    ["DELETE FROM django_migrations WHERE app = 'people'",
     "INSERT INTO django_migrations (app, name, applied) VALUES ('hints', '0099_later', 0)"],
    ids=["before our own users", "newer"],
)  # fmt: skip
def test_migrations_that_ours_do_not_follow_from_are_seen(current: Site, script: str) -> None:
    current.made(script)

    status, lines = current.run("migrate")

    assert (status, len(lines)) == (1, 1)
    assert LINE in lines[0]


def test_another_apps_migrations_are_nobodys_business(current: Site) -> None:
    current.made("INSERT INTO django_migrations (app, name, applied) VALUES ('axes', '0099_x', 0)")

    assert current.run("migrate")[0] == 0


@pytest.mark.parametrize("answer", ["n\n", "\n", "maybe\n", "\x04"])
def test_at_a_terminal_the_start_asks_and_takes_no_for_an_answer(
    older: Site, terminal: Any, answer: str
) -> None:
    before = rows(older.data / DATABASE)

    status, lines = older.run("start", stdin=terminal(answer))

    assert status == 1
    assert "start with a new one? [y/N]" in " ".join(lines)
    assert rows(older.data / DATABASE) == before


def test_at_a_terminal_a_yes_puts_it_aside(older: Site, terminal: Any) -> None:
    before = rows(older.data / DATABASE)
    # Valkey cannot start on a file, so that the test need not wait for a whole site.
    (older.data / "valkey").write_text("")

    _, lines = older.run("start", stdin=terminal("y\n"))

    assert f"Put aside: {older.aside()}" in " ".join(lines)
    assert rows(older.aside() / DATABASE) == before


def test_a_start_that_runs_keeps_its_database(older: Site) -> None:
    from broker.base.folder import hold

    with hold(older.data / "start.lock"):
        status, lines = older.run("aside")

    assert (status, len(lines)) == (1, 1)
    assert f"A start, pid {os.getpid()}, runs" in lines[0]
    assert not list(older.data.glob("aside-*"))
