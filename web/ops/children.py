"""The processes of the one-command start: started in order, watched, stopped in reverse."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from broker.children import end_with_parent
from broker.errors import HintlineError

STOP_S = 40.0
"""A node waits for its running hints, at most 30 s."""
QUICK_DEATH_S = 10.0
MOST_QUICK_DEATHS = 3
TAIL_LINES = 5


class ChildFailed(HintlineError):
    """A process of the start cannot run; the text holds the end of its log."""


@dataclass(slots=True)
class Child:
    """One process. arguments: after `python`; ready: asked until it is true."""

    name: str
    arguments: list[str]
    logs: Path
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    quick_deaths: int = field(default=0)

    def start(self) -> None:
        """Raises: ChildFailed when it ends or is not ready in time."""
        self.started_s = monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own modules
                [sys.executable, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for us: we stop them in order
                preexec_fn=end_with_parent(os.getpid()),
            )
        while not self.ready():
            if self.process.poll() is not None:
                raise ChildFailed(f"{self.name} ended at once:\n{self.tail()}")
            if monotonic() - self.started_s > self.ready_within_s:
                raise ChildFailed(f"{self.name} is not ready after {self.ready_within_s:.0f} s")
            sleep(0.05)

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def restart(self) -> None:
        """Raises: ChildFailed when it keeps dying young."""
        young = monotonic() - self.started_s < QUICK_DEATH_S
        self.quick_deaths = self.quick_deaths + 1 if young else 0
        if self.quick_deaths >= MOST_QUICK_DEATHS:
            raise ChildFailed(f"{self.name} keeps dying:\n{self.tail()}")
        self.start()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def log(self) -> Path:
        return self.logs / f"{self.name}.log"

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([*lines, f"(whole log: {self.log})"])
