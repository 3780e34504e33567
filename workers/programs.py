"""Runs programs for attempts: in a sandbox of this worker's own, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from web.runner.checker import Checker

T = TypeVar("T")
log = logging.getLogger(__name__)


class Programs:
    """Belongs to the loop that uses it; the sandbox starts with the first program."""

    def __init__(self) -> None:
        # One: a worker that writes for a GPU leaves the cores of its machine to others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="programs")
        self._checker: Checker | None = None

    async def run(self, work: Callable[[Checker], T]) -> T | None:
        """What the work gives; None where programs cannot be run on this machine."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)

    def close(self) -> None:
        """Ends the sandbox; nothing may be run afterwards."""
        self._thread.shutdown()
        if self._checker:
            self._checker.close()

    def _done(self, work: Callable[[Checker], T]) -> T | None:
        # Most workers never run one, and the sandbox's library takes 20 MB.
        from web.runner.build import NotBuilt
        from web.runner.checker import Checker, SandboxBusy

        self._checker = self._checker or Checker(processes=1)
        try:
            return work(self._checker)
        except (SandboxBusy, NotBuilt, OSError) as error:
            log.warning("a program was not run: %s", type(error).__name__)
            return None
