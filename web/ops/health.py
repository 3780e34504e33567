"""/livez and /readyz, for who starts, watches and replaces the processes of the site."""

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
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import add_never_cache_headers

from broker import dispatch
from web.link import broker

LIVE, READY = "/livez", "/readyz"
WITHIN_S = 1.5
"""Seconds after which a part that has not answered is missing."""
KEEP_S = 1.0
"""Seconds for which the last look at a part is kept, however many ask."""
OK, DOWN, SILENT, BEHIND = "ok", "down", "silent", "behind"
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


PARTS: dict[str, Callable[[], str]] = {
    "database": database,
    "migrations": migrations,
    "redis": redis,
}


class Look:
    """A look at one part, in a thread of its own, so that a silent server holds up no request."""

    def __init__(self, name: str) -> None:
        self._name, self._began_s = name, monotonic()
        self.future: Future[str] = Future()
        Thread(target=self._run, name=f"ready {name}", daemon=True).start()

    def _run(self) -> None:
        try:
            self.future.set_result(PARTS[self._name]())
        except Exception as error:  # whatever it is, the part cannot be used
            log.warning("not ready: %s: %s", self._name, type(error).__name__)
            self.future.set_result(DOWN)
        finally:
            # The connection belongs to this thread, and nobody else would close it.
            connection.close()

    def left_s(self) -> float:
        """Seconds for which its answer may still be awaited; 0 once they are over."""
        return max(0.0, self._began_s + WITHIN_S - monotonic())

    def old(self) -> bool:
        return self.future.done() and monotonic() - self._began_s >= KEEP_S

    def state(self) -> str:
        return self.future.result() if self.future.done() else SILENT


class Readiness:
    """What this process can reach; each part is looked at once in KEEP_S at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looks: dict[str, Look] = {}

    def states(self) -> dict[str, str]:
        """Each part's state: OK, DOWN, SILENT or BEHIND."""
        # The lock is not held while waiting: whoever asks meanwhile waits for the same looks.
        with self._lock:
            for name in PARTS:
                if name not in self._looks or self._looks[name].old():
                    self._looks[name] = Look(name)
            looks = dict(self._looks)
        wait(
            [look.future for look in looks.values()], max(look.left_s() for look in looks.values())
        )
        return {name: look.state() for name, look in looks.items()}


readiness = Readiness()


class HealthMiddleware:
    """Outermost: who asks calls a container by its name, and has no account."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == LIVE:
            return uncached(HttpResponse("ok\n", content_type="text/plain"))
        if request.path_info == READY:
            return uncached(ready())
        return self.get_response(request)


def ready() -> JsonResponse:
    """JSON: ready, whether nothing is missing; missing, names of parts; parts, name to state."""
    states = readiness.states()
    missing = [name for name, state in states.items() if state != OK]
    body = {"ready": not missing, "missing": missing, "parts": states}
    return JsonResponse(body, status=503 if missing else 200)


def uncached(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
