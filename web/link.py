"""The web process's one connection to the broker.

A broker that is down is no error for a page: `attempt` logs it and answers None. While it is
silent, one call at a time waits for it: the others are told at once, and their threads are free.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from broker.base.errors import BrokerDown
from broker.connect import Broker
from broker.scripts import Call

log = logging.getLogger(__name__)
T = TypeVar("T")
SILENT_S = 1.0
"""A call that fails after so long has met silence; a refused connection fails at once."""


@cache
def broker() -> Broker:
    return Broker()


class Link:
    """Passes calls to the broker, one at a time while it is silent."""

    def __init__(self) -> None:
        self.silent = False
        self._probe = Lock()

    def ask(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Raises: BrokerDown."""
        probes = self.silent
        # One caller waits for the silent broker; as many as there are threads would stop the site.
        if probes and not self._probe.acquire(blocking=False):
            raise BrokerDown("it is silent, and another call waits for it")
        began_s = time.monotonic()
        try:
            answers = broker().run_many(calls)
            self.silent = False
            return answers
        except BrokerDown:
            self.silent = time.monotonic() - began_s >= SILENT_S
            raise
        finally:
            if probes:
                self._probe.release()


link = Link()


def attempt(call: Call[T]) -> T | None:
    """The call's answer, or None if the broker is down."""
    answers = attempt_all([call])
    return answers[0] if answers else None


def attempt_all(calls: Sequence[Call[Any]]) -> list[Any] | None:
    """The answers to all of them in one round trip, or None if the broker is down."""
    try:
        return link.ask(calls)
    except BrokerDown as error:
        log.warning("%s: broker down: %s", ", ".join(call.script for call in calls), error)
        return None
