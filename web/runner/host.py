"""The child processes that run students' programs: a job in, an answer out, a deadline, a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from select import POLLIN, POLLOUT, poll
from threading import BoundedSemaphore
from time import monotonic

from web.runner import build
from web.runner.cases import RunLimits
from web.runner.wire import ANSWER, DONE, JOB, MOST_BYTES, Ending

ROOT = Path(__file__).parents[2]
PLACES = os.cpu_count() or 1
WAIT_S = 2.0
MOST_WAITING = 4
"""Who waits for a place holds a thread of the web process, and pages need threads too."""
SLOWEST = 10
"""A machine may be so many times slower than its CPU time says before a child is given up."""
START_S = 10.0
TRIES = 2
"""Of a job whose child is gone: another process may have ended it, and the next one may do."""


class SandboxBusy(Exception):
    """As many programs run and wait as may; the same check may work a moment later."""


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """line: the last that the guest sent, JSON if it was not tampered with; empty for none."""

    ending: Ending
    line: bytes


class Sandbox:
    """One child process, started when it is needed and again after it died; for one thread."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._kept = False

    def run(
        self, job: bytes, limits: RunLimits, *, keeps: bool = False, goes_on: bool = False
    ) -> RunAnswer:
        """Ending.LOST where child after child was gone without an answer. Raises: NotBuilt.

        keeps: the memory that the job leaves, until the next one or `done`. goes_on: run it in the
        memory that was kept; in memory of its own where there is none.
        """
        if not goes_on:
            self.done()
        for _ in range(TRIES):
            try:
                if self.process is None or self.process.poll() is not None:
                    self.close()
                    self._start()
                return self._asked(job, limits, keeps=keeps)
            # ValueError: an ending that there is none of.
            except (OSError, EOFError, ValueError):
                self.close()
            except BaseException:
                # An answer that nobody has read would be taken for that of the next job.
                self.close()
                raise
        return RunAnswer(Ending.LOST, b"")

    def done(self) -> None:
        """Let the child put its memory back, so that it is ready when the next job comes."""
        if self._kept and self.process and self.process.stdin:
            self._kept = False
            try:
                _write(self.process.stdin.fileno(), DONE, monotonic() + START_S)
            except (OSError, EOFError):
                self.close()

    def close(self) -> None:
        self._kept = False
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
            self.process = None

    def _start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "web.runner.child", str(build.require())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # Ours holds secrets: the key, and the addresses of database and Redis.
            env={"PYTHONPATH": str(ROOT)},
            process_group=0,  # Ctrl-C is for us; it ends when we close its input
        )
        assert self.process.stdin is not None
        # One that stands still reads nothing, and the pipe holds less than a job may have.
        os.set_blocking(self.process.stdin.fileno(), False)

    def _asked(self, job: bytes, limits: RunLimits, *, keeps: bool) -> RunAnswer:
        """Raises: OSError, EOFError if the child died or had to be given up."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        until_s = monotonic() + START_S + SLOWEST * limits.time_s
        header = JOB.pack(len(job), limits.time_s, limits.memory_bytes, keeps)
        _write(self.process.stdin.fileno(), header + job, until_s)
        out = self.process.stdout.fileno()
        ending, size = ANSWER.unpack(_read(out, ANSWER.size, until_s))
        # Nobody should be able to write this but our own child; if it was taken over, it could.
        if size > MOST_BYTES:
            raise EOFError
        answer = RunAnswer(Ending(ending), _read(out, size, until_s))
        self._kept = keeps and answer.ending is Ending.ENDED
        return answer


class Places:
    """A bounded pool of sandboxes; threads may share it, forked processes may not."""

    def __init__(self, count: int = PLACES) -> None:
        # The one that was given back first has had most time to put its memory back.
        self.free: Queue[Sandbox] = Queue()
        self._all = [Sandbox() for _ in range(count)]
        for sandbox in self._all:
            self.free.put(sandbox)
        self.seats = BoundedSemaphore(count + MOST_WAITING)

    @contextmanager
    def take(self, wait_s: float = WAIT_S) -> Iterator[Sandbox]:
        """wait_s: for a free one. Raises: SandboxBusy."""
        if not self.seats.acquire(blocking=False):
            raise SandboxBusy
        try:
            sandbox = self.free.get(timeout=wait_s)
            try:
                yield sandbox
            finally:
                sandbox.done()
                self.free.put(sandbox)
        except Empty:
            raise SandboxBusy from None
        finally:
            self.seats.release()

    def close(self) -> None:
        """End the child processes; no run may follow."""
        for sandbox in self._all:
            sandbox.close()


def _read(fd: int, size: int, until_s: float) -> bytes:
    """Raises: EOFError if that much does not come in time."""
    data = b""
    while len(data) < size:
        part = os.read(fd, size - len(data)) if _ready(fd, POLLIN, until_s) else b""
        if not part:
            raise EOFError
        data += part
    return data


def _write(fd: int, data: bytes, until_s: float) -> None:
    """fd: does not block. Raises: EOFError if not all of it is taken in time; OSError."""
    rest = memoryview(data)
    while rest:
        if not _ready(fd, POLLOUT, until_s):
            raise EOFError
        rest = rest[os.write(fd, rest) :]


def _ready(fd: int, event: int, until_s: float) -> bool:
    # Not select, which takes no number above 1,023: a web process may hold thousands of streams.
    waiting = poll()
    waiting.register(fd, event)
    return bool(waiting.poll(1000 * max(0.0, until_s - monotonic())))
