"""Child processes: started, watched, started again after a pause, and ended.

None outlives the process that started it, not even one that is killed with -9.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic, sleep

from broker.base.errors import HintlineError
from broker.base.heartbeat import Pulse
from broker.base.output import LAST_S, ChildOutput

HUNG = "hung"
"""How a child ended that was killed because it had stopped beating."""
QUICK_DEATH_S = 10.0
"""A child that lived for less dies young, and waits before its next life."""
LONGEST_PAUSE_S = 30.0
PR_SET_PDEATHSIG = 1
POLL_S = 0.02


class ChildEnded(HintlineError):
    """A child ended before it was ready; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Death:
    """The end of one life, or a start that failed.

    pid: 0 after a failed start. how: `exit 1`, `SIGKILL`, HUNG, or what the system says of the
    failed start. text: the same for people, with the pause until the next life.
    """

    pid: int
    how: str
    text: str


@dataclass(eq=False, slots=True)
class Child:
    """A process that should run, over all its lives. If `look` is called, it has to beat.

    environ: what is different from ours. keep: descriptors that it inherits. output: keeps what
    the child prints; None: that goes where ours goes.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    keep: Sequence[int] = ()
    output: ChildOutput | None = None
    umask: int = -1
    process: subprocess.Popen[bytes] | None = None
    pulse: Pulse = field(init=False)
    started_s: float = 0.0
    quick_deaths: int = 0
    not_before_s: float = 0.0
    end_by_s: float = inf

    def start(self) -> None:
        """Raises: OSError, as when no memory or process is left."""
        self.started_s, self.pulse = monotonic(), Pulse()
        try:
            self.process = subprocess.Popen(  # noqa: S603  # our own modules
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.output else None,
                stderr=subprocess.STDOUT if self.output else None,
                env=os.environ | self.environ | self.pulse.environ,
                pass_fds=[self.pulse.fd, *self.keep],
                umask=self.umask,
                process_group=0,  # Ctrl-C is for us: we end our children in order
                preexec_fn=end_with_parent(os.getpid()),
            )
        finally:
            self.pulse.started()
        if self.output is not None and self.process.stdout is not None:
            self.output.tail.clear()
            self.output.read(self.process.stdout)

    def wait_until(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Asks `ready` until it says yes; False if that takes too long. Raises: ChildEnded."""
        while not ready():
            if not self.alive():
                raise ChildEnded(f"{self.name} ended at once:\n{self.tail()}")
            if monotonic() > self.started_s + within_s:
                return False
            sleep(POLL_S)
        return True

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def look(self) -> Death | None:
        """How its life ended, told once; to be asked every PULSE_S or sooner.

        Kills a child that hangs, and one that has not obeyed `end` in time.
        """
        if self.process is None:
            return None
        code = self.process.poll()
        if code is None:
            if self.pulse.hung or self.pulse.look() or monotonic() >= self.end_by_s:
                # Not terminate(): a process that hangs runs no handler of a signal.
                self.process.kill()
            return None
        pid, self.process = self.process.pid, None
        if self.pulse.hung:
            silent_s = self.pulse.allowed_s()
            return self.died(pid, HUNG, f"hangs: silent for {silent_s:.0f} s, killed")
        return self.died(pid, exit_name(code), f"died ({exit_name(code)})")

    def revive(self) -> Death | None:
        """Starts a child that has ended, once its pause is over; a Death if that fails.

        However often it dies, it is started again: what it stumbled over, such as a full disk or a
        Redis that refuses, may pass.
        """
        if self.process is not None or monotonic() < self.not_before_s:
            return None
        try:
            self.start()
        except OSError as error:
            how = error.strerror or str(error)
            return self.died(0, how, f"cannot be started ({how})")
        return None

    def died(self, pid: int, how: str, text: str) -> Death:
        """Sets the pause: none after a life of some length, else 1, 2, 4 … 30 s."""
        young = monotonic() - self.started_s < QUICK_DEATH_S
        self.quick_deaths = self.quick_deaths + 1 if young else 0
        # The exponent is capped, as a float overflows after a thousand deaths.
        pause_s = min(2.0 ** min(self.quick_deaths - 1, 10), LONGEST_PAUSE_S) if young else 0.0
        self.not_before_s = monotonic() + pause_s
        text += f", starting it again in {pause_s:.0f} s" if young else ", starting it again"
        told = young and self.output and self.output.path
        return Death(pid, how, f"{text}\n{self.tail()}" if told else text)

    def end(self, within_s: float) -> None:
        """Tells it to end; `look` kills it if it is not done in time."""
        if self.process is not None:
            self.process.terminate()
            self.end_by_s = monotonic() + within_s

    def stop(self, within_s: float) -> None:
        """Tells it to end, waits, and kills it if it is not done in time."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self.output is not None:
            self.output.settle()

    def last_lines(self, within_s: float = LAST_S) -> list[str]:
        """Of what it has printed in this life; to be asked after it, and waits so long for them."""
        assert self.output is not None
        self.output.settle(within_s)
        return list(self.output.tail)

    def tail(self) -> str:
        """The last lines of its log, and where the rest is."""
        assert self.output is not None
        return "\n".join([*self.last_lines(), f"(whole log: {self.output.path})"])


def end_with_parent(parent: int) -> Callable[[], None]:
    """For Popen's preexec_fn: the child gets SIGTERM when the thread that started it ends.

    Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def exit_name(code: int) -> str:
    """`exit 1`, or the name of the signal that ended it."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
