"""The web process's one connection to the broker.

A broker that is down is no error for a page: `attempt` logs it and answers None. While it is
silent, one call at a time waits for it: the others are told at once, and their threads are free.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
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

    def ask(self, question: Callable[[], T]) -> T:
        """Raises: BrokerDown."""
        if not self.silent:
            return self._ask(question)
        # One caller waits for the silent broker; as many as there are threads would stop the site.
        if not self._probe.acquire(blocking=False):
            raise BrokerDown("it is silent, and another call waits for it")
        try:
            return self._ask(question)
        finally:
            self._probe.release()

    def _ask(self, question: Callable[[], T]) -> T:
        began_s = time.monotonic()
        try:
            answer = question()
        except BrokerDown:
            self.silent = time.monotonic() - began_s >= SILENT_S
            raise
        self.silent = False
        return answer


link = Link()


def attempt(call: Call[T]) -> T | None:
    """The call's answer, or None if the broker is down."""
    try:
        return link.ask(lambda: broker().run(call))
    except BrokerDown as error:
        log.warning("%s: broker down: %s", call.script, error)
        return None


def attempt_all(calls: Sequence[Call[Any]]) -> list[Any] | None:
    """The answers to all of them in one round trip, or None if the broker is down."""
    try:
        return link.ask(lambda: broker().run_many(calls))
    except BrokerDown as error:
        log.warning("%s: broker down: %s", ", ".join(call.script for call in calls), error)
        return None
