"""The processes of the one-command start: started in order, watched, stopped in reverse."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from broker.base.children import end_with_parent, exit_name
from broker.base.errors import HintlineError
from broker.base.heartbeat import Pulse
from broker.base.output import Output
from broker.base.times import HANG_S, SITE_STOP_S

QUICK_DEATH_S = 10.0
LONGEST_PAUSE_S = 30.0


class ChildFailed(HintlineError):
    """A process of the start cannot run; the text holds the end of its log."""


@dataclass(slots=True)
class Child:
    """One process, which beats. arguments: after `python`; ready: asked until it is true.

    lock: descriptor that it keeps open as long as it lives.
    """

    name: str
    arguments: list[str]
    logs: Path
    lock: int
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    pulse: Pulse = field(init=False)
    output: Output = field(init=False)
    started_s: float = 0.0
    quick_deaths: int = 0
    not_before_s: float = 0.0

    def __post_init__(self) -> None:
        self.output = Output(self.logs / f"{self.name}.log")

    def start(self) -> bool:
        """For the first time; whether it was ready in time.

        Raises: ChildFailed when it ends before it is ready; OSError when there is no room for it.
        """
        process = self.spawn()
        while not self.ready():
            if process.poll() is not None:
                raise ChildFailed(f"{self.name} ended at once:\n{self.tail()}")
            if monotonic() - self.started_s > self.ready_within_s:
                return False
            sleep(0.05)
        return True

    def spawn(self) -> subprocess.Popen[bytes]:
        """Raises: OSError."""
        self.started_s, self.pulse = monotonic(), Pulse()
        try:
            self.process = subprocess.Popen(  # noqa: S603  # our own modules
                [sys.executable, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | self.pulse.environ,
                pass_fds=[self.pulse.fd, self.lock],
                process_group=0,  # Ctrl-C is for us: we stop them in order
                preexec_fn=end_with_parent(os.getpid()),
            )
        finally:
            self.pulse.started()
        assert self.process.stdout is not None
        self.output.read(self.process.stdout)
        return self.process

    def tend(self) -> str:
        """To be called every second or sooner; answers what happened, for people, or nothing.

        However often it dies, it is started again: at once if it lived for a while, else after
        1, 2, 4 … 30 s. What it stumbled over, a full disk or a Redis that refuses, may pass.
        """
        if self.process is not None:
            if self.process.poll() is None and not self.pulse.look():
                return ""
            return self.mourn(self.process)
        if monotonic() < self.not_before_s:
            return ""
        try:
            self.spawn()
        except OSError as error:
            return f"{self.name} cannot be started ({error.strerror}), {self.pause()}"
        return ""

    def mourn(self, process: subprocess.Popen[bytes]) -> str:
        if process.poll() is None:
            process.kill()
            how = f"hangs: silent for {HANG_S} s, killed"
        else:
            how = f"died ({exit_name(process.returncode)})"
        process.wait()
        self.process = None
        pause = self.pause()
        text = f"{self.name} {how}, {pause}"
        return f"{text}\n{self.tail()}" if self.quick_deaths else text

    def pause(self) -> str:
        """Until it is tried again, in words."""
        young = monotonic() - self.started_s < QUICK_DEATH_S
        self.quick_deaths = self.quick_deaths + 1 if young else 0
        pause_s = min(2.0 ** (self.quick_deaths - 1), LONGEST_PAUSE_S) if young else 0.0
        self.not_before_s = monotonic() + pause_s
        return f"starting it again in {pause_s:.0f} s" if pause_s else "starting it again"

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SITE_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.settle()

    def tail(self) -> str:
        self.output.settle()
        return "\n".join([*self.output.tail, f"(whole log: {self.output.path})"])
