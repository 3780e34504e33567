"""What Prometheus reads: where processes keep what they count, and the page made from it."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from broker.base.folder import Held, hold

__all__ = ["CONTENT_TYPE_LATEST", "FOLDER", "REGISTRY", "allowed", "page", "share"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable with the folder in which processes that are scraped as one keep their counts."""
REGISTRY = CollectorRegistry()
"""Of all our metrics."""
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded")
# Processes that share a folder keep no time of creation; one alone shall show the same series.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Seat:
    """The lowest number that no other process has; free again when the process ends, however.

    As the name of its files, a pid would leave two of them behind for each process that ever ran;
    who takes a seat over goes on with the counts in its files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._pid, self._number = folder, 0, ""
        self._lock: FileIO | None = None

    def __call__(self) -> str:
        """Asked at every count."""
        if self._pid != os.getpid():  # at first, and after a fork
            self._take()
        return self._number

    def _take(self) -> None:
        if self._lock:
            self._lock.close()
        for number in count():
            with suppress(Held):
                self._lock = hold(self._folder / f"{number}.lock")
                self._pid, self._number = os.getpid(), str(number)
                return


def share(folder: Path) -> None:
    """Metrics made from here on are counted together with those of every process of the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(Seat(folder))  # type: ignore[no-untyped-call]


@dataclass
class Given(Collector):
    """The families of one page."""

    families: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def page(families: Iterable[Metric]) -> bytes:
    """What was counted, here or in all processes of the shared folder, and these families."""
    counted: Collector = REGISTRY
    if folder := os.environ.get(FOLDER):
        counted = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]
    return generate_latest(Given([*counted.collect(), *families]))


def allowed(peer: str, token: str, header: Callable[[str], str | None]) -> bool:
    """Whether a request may read the page: by its token, or without one from a private address.

    peer: address of the other end, "" for none. header: value of a request header, by its name.
    """
    if token:
        given = (header("Authorization") or "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    if any(header(name) for name in FORWARDED):
        return False  # a proxy's own address is private, that of whom it speaks for is not
    try:
        return ip_address(peer).is_private
    except ValueError:
        return False


if os.environ.get(FOLDER):
    share(Path(os.environ[FOLDER]))
