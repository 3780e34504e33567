"""A PostgreSQL of the tests' own: in a temporary folder, behind a socket in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

USER = "hintline"
ANOTHER_USER = "nobody"
"""Who runs it where the tests run as root: PostgreSQL refuses to."""
START_S = 30.0
# Nothing here outlives the tests, so nothing has to be safe on the disk.
OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=")


def programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    # Debian keeps a folder a version, off the PATH.
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return kept[-1].parent if kept else None


class Postgres:
    """folder: a new one, with a path short enough for a socket's."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self.folder, self._bin, self._data = folder, bin_, folder / "data"
        self._user = ANOTHER_USER if os.geteuid() == 0 else None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@{quote(str(self.folder), safe='')}/{USER}"

    def start(self) -> None:
        """Raises: AssertionError with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            shutil.chown(self.folder, self._user)
        new = ("-D", str(self._data), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        self._run("initdb", *new, "--locale=C.UTF-8")
        options = [word for option in OPTIONS for word in ("-c", option)]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, *options],
                stdout=log, stderr=log, user=self._user,
            )  # fmt: skip
        waits_until = monotonic() + START_S
        while self._run("pg_isready", "-q", "-h", str(self.folder), check=False):
            assert self._server.poll() is None, self.log()
            assert monotonic() < waits_until, self.log()
            sleep(0.05)

    def create_database(self) -> None:
        """The one that the URL names."""
        self._run("createdb", "-h", str(self.folder), "-U", USER, USER)

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # ends the connections that are left, too
            self._server.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [self._bin / program, *arguments], user=self._user, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, done.stderr
        return done.returncode
