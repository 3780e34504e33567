"""What a program finds around it: standard input and output, exits, and dice."""

from __future__ import annotations

import builtins
import decimal
import io
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

RECURSION = 1_000 + 20
"""Calls above a program's own that stand on the stack are ours."""
real_open, real_read, real_write, real_fstat = open, os.read, os.write, os.fstat


class OutputFull(BaseException):
    """The program has printed more than it may; no `except Exception` of its own sees it."""


class Sink(io.RawIOBase):
    """Keeps the first `most` bytes; of what follows only the count, or `full` ends the program."""

    def __init__(self, most: int, *, full: bool) -> None:
        self.kept, self.bytes = bytearray(), 0
        self._most, self._full = most, full

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self.bytes += len(view)
        self.kept += view[: max(0, self._most - len(self.kept))]
        if self._full and self.bytes > self._most:
            raise OutputFull
        return len(view)

    def fileno(self) -> int:
        return 1


class StandardInput(io.BytesIO):
    """A case's standard input."""

    def fileno(self) -> int:
        return 0


class Console:
    """Stands in the place of the process's streams, until the next one does."""

    def __init__(self, stdin: str = "", *, most: int, full: bool = False) -> None:
        self._most = most
        self.source, self.sink = StandardInput(stdin.encode()), Sink(most, full=full)
        self.reader = io.TextIOWrapper(self.source, "utf-8")
        self._out = io.TextIOWrapper(io.BufferedWriter(self.sink), "utf-8")
        self._err = io.TextIOWrapper(
            io.BufferedWriter(Sink(0, full=False)), "utf-8", "backslashreplace", line_buffering=True
        )
        self._stand()

    def emptied(self) -> Console:
        """One without input or output that stands there as new: this one, if it can be used still.

        To make one takes longer than many a case.
        """
        try:
            for stream in (self.reader, self._out, self._err):
                stream.flush()
                # A program, and who hears it, may have put a `write` of their own there.
                vars(stream).clear()
        # It was closed, or its buffer taken away.
        except ValueError:
            return Console(most=self._most)
        self.sink.kept, self.sink.bytes = bytearray(), 0
        self._stand()
        return self

    def _stand(self) -> None:
        sys.stdin = sys.__stdin__ = self.reader  # type: ignore[misc]
        sys.stdout = sys.__stdout__ = self._out  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = self._err  # type: ignore[misc]
        global latest
        latest = self
        hear(hears)
        builtins.open = io.open = self._open  # type: ignore[assignment]
        os.read, os.write, os.fstat = self._read, self._write, self._fstat  # type: ignore[assignment]

    def text(self) -> str:
        """What was printed so far and kept. Raises: OutputFull."""
        self.flush()
        return bytes(self.sink.kept).decode("utf-8", "replace")

    def flush(self) -> None:
        """Raises: OutputFull."""
        # A ValueError says that the program has closed it.
        with suppress(ValueError):
            self._out.flush()

    def _open(self, file: object, mode: str = "r", *rest: object, **more: object) -> object:
        """`open(0)` reads standard input, as on a judge's machine; there is no other file."""
        if file in (0, "/dev/stdin") and "b" not in mode:
            return sys.stdin
        if file in (0, "/dev/stdin"):
            return self.source
        if file in (1, "/dev/stdout"):
            return self._out if "b" not in mode else self._out.buffer
        return real_open(file, mode, *rest, **more)  # type: ignore[call-overload]

    def _read(self, fd: int, size: int) -> bytes:
        return self.source.read(size) if fd == 0 else real_read(fd, size)

    def _write(self, fd: int, data: bytes) -> int:
        if fd == 1:
            self.flush()
            return self.sink.write(data)
        return len(data) if fd == 2 else real_write(fd, data)

    def _fstat(self, fd: int) -> object:
        if fd == 0:
            return SimpleNamespace(st_size=len(self.source.getbuffer()), st_mode=0o100400)
        return real_fstat(fd)


hears: Callable[[str], None] | None = None
latest: Console | None = None
"""The one that stands there now."""


def hear(told: Callable[[str], None] | None) -> None:
    """From now on, what is written to standard output is told; None ends that."""
    global hears
    hears = told
    out = sys.stdout
    # Only a program that is watched pays for it, at each write.
    if told and isinstance(out, io.TextIOBase) and "write" not in vars(out):
        write = out.write

        def heard(text: str) -> int:
            wrote = write(text)
            if hears:
                hears(text)
            return wrote

        out.write = heard  # type: ignore[method-assign]


def lines() -> tuple[int, int]:
    """How many lines standard input has that are not blank, and how many of them are unread.

    What is left counts as read afterwards.
    """
    if latest is None:
        return 0, 0
    # A ValueError says that the program has closed it.
    with suppress(ValueError):
        given = sum(map(bool, map(bytes.strip, bytes(latest.source.getbuffer()).splitlines())))
        return given, sum(map(bool, map(str.strip, latest.reader)))
    return 0, 0


def prepare() -> None:
    """Once in a run: its dice are its own, and no exit ends more than the program."""
    random.seed()
    # A trap for the host would look as if the sandbox had broken.
    os._exit = os.abort = sys.exit  # type: ignore[assignment]
    for name in ("exit", "quit"):
        setattr(builtins, name, sys.exit)
    sys.argv = ["program.py"]
    # The sandbox is a machine of 32 bits; programs use this number as the largest that there is.
    sys.maxsize = 2**63 - 1


def fresh() -> None:
    """Before each run of the program: what an earlier one may have set is as it was."""
    sys.setrecursionlimit(RECURSION)
    decimal.setcontext(decimal.Context())
