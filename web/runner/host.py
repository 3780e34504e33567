"""The child processes that run students' programs: a job in, an answer out, a deadline, a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, LifoQueue
from select import select
from threading import BoundedSemaphore
from time import monotonic

from web.runner import build
from web.runner.cases import RunLimits
from web.runner.wire import ANSWER, JOB, MOST_BYTES, Ending

ROOT = Path(__file__).parents[2]
PLACES = os.cpu_count() or 1
WAIT_S = 2.0
MOST_WAITING = 4
"""Who waits for a place holds a thread of the web process, and pages need threads too."""
SLOWEST = 10
"""A machine may be so many times slower than its CPU time says before a child is given up."""
START_S = 10.0


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

    def run(self, job: bytes, limits: RunLimits) -> RunAnswer:
        """Raises: NotBuilt."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self._start()
        try:
            return self._asked(job, limits)
        # ValueError: an ending that there is none of.
        except (OSError, EOFError, ValueError):
            self.close()
            return RunAnswer(Ending.CRASHED, b"")

    def close(self) -> None:
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
            # Ours holds secrets: the key, and the addresses of database and Redis.
            env={"PYTHONPATH": str(ROOT)},
            process_group=0,  # Ctrl-C is for us; it ends when we close its input
        )

    def _asked(self, job: bytes, limits: RunLimits) -> RunAnswer:
        """Raises: OSError, EOFError if the child died or had to be given up."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        until_s = monotonic() + START_S + SLOWEST * limits.time_s
        self.process.stdin.write(JOB.pack(len(job), limits.time_s, limits.memory_bytes) + job)
        self.process.stdin.flush()
        out = self.process.stdout.fileno()
        ending, size = ANSWER.unpack(_read(out, ANSWER.size, until_s))
        # Nobody should be able to write this but our own child; if it was taken over, it could.
        if size > MOST_BYTES:
            raise EOFError
        return RunAnswer(Ending(ending), _read(out, size, until_s))


class Places:
    """A bounded pool of sandboxes; threads may share it, forked processes may not."""

    def __init__(self, count: int = PLACES) -> None:
        self.free: LifoQueue[Sandbox] = LifoQueue()
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
        ready, _, _ = select([fd], [], [], max(0.0, until_s - monotonic()))
        part = os.read(fd, size - len(data)) if ready else b""
        if not part:
            raise EOFError
        data += part
    return data
