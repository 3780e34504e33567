"""What a web process can reach of what it stands on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import cache
from threading import Lock, Thread
from time import monotonic

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from broker import dispatch
from web.engines import abilities
from web.link import broker
from web.tutor.languages import LANGUAGES

WITHIN_S = 1.5
"""Seconds after which a part that has not answered is missing."""
KEEP_S = 1.0
"""Seconds for which the last look at a part is kept, however many ask."""
OK, DOWN, SILENT, BEHIND, BARRED = "ok", "down", "silent", "behind", "barred"
log = logging.getLogger(__name__)


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def migrations() -> str:
    """BEHIND if the code knows migrations that the database does not."""
    applied = MigrationRecorder(connection).applied_migrations()
    return OK if newest().issubset(applied) else BEHIND


@cache
def newest() -> frozenset[tuple[str, str]]:
    """The last migration of each app, which no other can precede."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def redis() -> str:
    """Reads and writes; one that refuses to write refuses this script."""
    broker().run(dispatch.epoch())
    return OK


def writers() -> str:
    """BARRED if no engine in use may write a hint of any level in any language."""
    return OK if any(map(abilities.written, LANGUAGES)) else BARRED


PARTS: dict[str, Callable[[], str]] = {
    "database": database,
    "migrations": migrations,
    "redis": redis,
}
ASIDE: dict[str, Callable[[], str]] = {"writers": writers}
"""What a site can do without, and whoever runs it should know."""
REMARKS = {
    "writers": "No model in use may write hints: they come without one. Evaluate a model, or grant "
    "it a licence by hand."
}


class Look(Future[str]):
    """A look at one part, in a thread of its own, so that a silent server holds up no request."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.began_s = monotonic()
        Thread(target=self._run, args=[name], name=f"ready {name}", daemon=True).start()

    def _run(self, name: str) -> None:
        try:
            self.set_result((PARTS | ASIDE)[name]())
        except Exception as error:  # whatever it is, the part cannot be used
            log.warning("not ready: %s: %s", name, type(error).__name__)
            self.set_result(DOWN)
        finally:
            # The connection belongs to this thread, and nobody else would close it.
            connection.close()

    def old(self) -> bool:
        return self.done() and monotonic() - self.began_s >= KEEP_S


class Readiness:
    """Each part is looked at once in KEEP_S at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looks: dict[str, Look] = {}

    def states(self) -> dict[str, str]:
        """The state of each of PARTS and ASIDE: OK, DOWN, SILENT, BEHIND or BARRED."""
        # The lock is not held while waiting: whoever asks meanwhile waits for the same looks.
        with self._lock:
            for name in PARTS | ASIDE:
                if name not in self._looks or self._looks[name].old():
                    self._looks[name] = Look(name)
            looks = dict(self._looks)
        # A look that was begun for an earlier request has had some of its time.
        latest_s = max(look.began_s for look in looks.values())
        wait(looks.values(), max(0.0, latest_s + WITHIN_S - monotonic()))
        return {name: look.result() if look.done() else SILENT for name, look in looks.items()}


readiness = Readiness()
