"""The data folder: closed to others, and used by one start, and one Valkey, at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from contextlib import suppress
from io import FileIO
from pathlib import Path

from broker.base.errors import BadSetting, HintlineError

UMASK = 0o077
PRIVATE = 0o700
log = logging.getLogger(__name__)


class Held(HintlineError):
    """Somebody else has the lock. pid: of who took it; 0 if that is not known."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(f"{path} is locked by pid {pid}")
        self.pid = pid


def private(path: Path) -> None:
    """Makes the folder, or takes the rights of others from one that is there, and says so.

    Raises: BadSetting where there can be none, as HINTLINE_DATA names the folder it stands in.
    """
    try:
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"{path} cannot be a folder: {error.strerror}") from None
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & UMASK:
        return
    try:
        path.chmod(mode & ~UMASK)
    except OSError as error:
        log.warning("%s is open to others and stays so: %s", path, error.strerror)
    else:
        log.warning("%s was open to others: now only its owner may enter", path)


def hold(path: Path) -> FileIO:
    """A lock that lasts until the file is closed, here and in children that inherit it.

    A process that dies gives it back, so a file that is left behind hinders nobody.

    Raises: Held.
    """
    file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        # Not lockf: its locks are not inherited, and end when any descriptor of the file is closed.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = file.read(20).strip()
        file.close()
        raise Held(path, int(pid) if pid.isdigit() else 0) from None
    with suppress(OSError):  # on a full disk the lock holds all the same
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
    return file


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True
