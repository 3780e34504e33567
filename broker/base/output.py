"""What a child process prints: kept in files that stay small, even if it never opens them anew, or
passed on to where ours goes; the last lines are at hand either way.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Thread
from typing import IO

FILE_BYTES = 10_000_000
OLD_FILES = 2
LINE_BYTES = 16_384
"""A longer line is kept in parts."""
TAIL_LINES = 12
LAST_S = 1.0
"""A grandchild that inherited the pipe may hold it open for longer: we do not wait for it."""


class Files(RotatingFileHandler):
    """A full disk costs lines and nothing else; the file is opened again for the next one."""

    def _open(self) -> TextIOWrapper:
        for_owner = partial(os.open, mode=0o600)
        return open(self.baseFilename, "a", encoding=self.encoding, opener=for_owner)

    def handleError(self, record: logging.LogRecord) -> None:
        broken, self.stream = self.stream, None  # as when it is rotated
        if broken is not None:
            with suppress(OSError, ValueError):
                broken.close()


class ChildOutput:
    """The log of one child over all its lives. tail: the last lines, also with a full disk.

    We read the child's pipe, because a file that the child itself holds open cannot be rotated.
    """

    def __init__(self, path: Path | None) -> None:
        """path: None passes the lines on to our own standard error."""
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._lines: logging.Handler = (
            Files(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
            if path
            else logging.StreamHandler(sys.stderr)
        )
        self._readers: list[Thread] = []

    def read(self, pipe: IO[bytes]) -> None:
        """Keeps, from a thread of its own, what comes until the pipe is closed."""
        reader = Thread(target=self._read, args=(pipe,), name="output of a child", daemon=True)
        self._readers = [*(each for each in self._readers if each.is_alive()), reader]
        reader.start()

    def settle(self, within_s: float = LAST_S) -> None:
        """To be called after the child has ended, for its last lines."""
        for reader in self._readers:
            reader.join(within_s)

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(LINE_BYTES):
                text = line.decode(errors="replace").rstrip("\n")
                if text.strip():
                    self.tail.append(text)
                self._lines.handle(logging.makeLogRecord({"msg": text}))
        # Another reader's line opens it again.
        self._lines.close()
