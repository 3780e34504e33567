"""The web process's one connection to the broker.

A broker that is down is no error for a page: `attempt` logs it and answers None.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TypeVar

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
