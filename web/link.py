"""The web process's one connection to the broker.

A broker that is down is no error for a page: `attempt` logs it and answers None.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from broker.connect import Broker
from broker.errors import BrokerDown
from broker.scripts import Call

log = logging.getLogger(__name__)
T = TypeVar("T")


@cache
def broker() -> Broker:
    return Broker()


def attempt(call: Call[T]) -> T | None:
    """The call's answer, or None if the broker is down."""
    try:
        return broker().run(call)
    except BrokerDown as error:
        log.warning("%s: broker down: %s", call.script, error)
        return None


def attempt_all(calls: Sequence[Call[Any]]) -> list[Any] | None:
    """The answers to all of them in one round trip, or None if the broker is down."""
    try:
        return broker().run_many(calls)
    except BrokerDown as error:
        log.warning("%s: broker down: %s", ", ".join(call.script for call in calls), error)
        return None
