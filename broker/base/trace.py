"""One trace for each hint across web, worker and engine; off unless an OTLP endpoint is set.

The ids of the trace and of its first span are made from the hint's own: whoever serves the hint
knows them, also after a wait in the backlog. To keep only a part of all traces, set
OTEL_TRACES_SAMPLER=traceidratio, which needs no word from the first span either.
"""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from broker.base.otel import Tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
log = logging.getLogger(__name__)


@cache
def tracing() -> Tracing | None:
    """None, and nothing is imported, where traces are off."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from broker.base.otel import Tracing

        return Tracing()
    # Cached as well, so that this is told once and not with each hint.
    except ImportError as error:
        log.warning("%s is set, but %s: see requirements-otel.txt", ENDPOINT, error)
        return None


def ids(hint: str) -> tuple[int, int]:
    """Of a hint's trace and of its first span: the id with its halves swapped, and the first half.

    A sampler reads the lower half of a trace's id as a random number; that of a UUID is none.
    """
    high, low = divmod(UUID(hint).int, 1 << 64)
    return low << 64 | high, high


def root(hint: str) -> AbstractContextManager[None]:
    """The first span of a hint's trace, in which it is asked for."""
    on = tracing()
    return on.root(hint) if on else nullcontext()


def attempt(hint: str, number: int, engine: str) -> AbstractContextManager[None]:
    """The span of one attempt, within the first span."""
    on = tracing()
    return on.attempt(hint, number, engine) if on else nullcontext()


def request() -> AbstractContextManager[None]:
    """The span of one request to an engine, within that of its attempt."""
    on = tracing()
    return on.request() if on else nullcontext()


def event(name: str) -> None:
    """Marks a moment in the current span."""
    if on := tracing():
        on.event(name)


def headers() -> dict[str, str]:
    """What a request within the current span carries; nothing where traces are off."""
    on = tracing()
    return on.headers() if on else {}
