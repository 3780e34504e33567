"""What everything is kept in: tables, disk, clocks, and the end of old rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from time import time

from django.conf import settings
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from broker import nodes
from web.link import attempt
from web.ops import health, retention
from web.ops.doctor.observation import Observation, error, fine, warning

LITTLE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 200 << 20
"""Free on the disk of HINTLINE_DATA."""
APART_S = 2.0
"""Between two clocks; by NTP they are milliseconds apart."""
LATE_S = 3 * 3600
"""Old rows are deleted every hour, and of a big table a few at a time."""


def migrations() -> Iterator[Observation]:
    if health.migrations() != health.OK:
        yield error(
            _("This version knows tables that the database lacks."), "python -m web migrate"
        )


def disk() -> Iterator[Observation]:
    free = shutil.disk_usage(settings.DATA).free
    text = _("%(free)s are free for %(folder)s.") % {
        "free": filesizeformat(free),
        "folder": settings.DATA,
    }
    advice = _("Make room: a full disk stops the database and Redis.")
    if free < TOO_LITTLE_BYTES:
        yield error(text, advice)
    elif free < LITTLE_BYTES:
        yield warning(text, advice)
    else:
        yield fine(text)


def clocks() -> Iterator[Observation]:
    """Those of the database, of Redis and of the nodes beside this machine's."""
    zone = {"zone": settings.TIME_ZONE}
    yield fine(_("Pages show the time of %(zone)s (HINTLINE_TIME_ZONE).") % zone)
    apart = {_("the database"): database_fast_s()}
    # A node tells how far its own clock is before that of Redis.
    if now_ms := attempt(nodes.redis_ms()):
        redis_fast_s = now_ms / 1000 - time()
        live = attempt(nodes.live()) or {}
        apart |= {"Redis": redis_fast_s}
        apart |= {name: redis_fast_s + state.fast_s for name, state in live.items()}
    for name, fast_s in apart.items():
        if abs(fast_s) > APART_S:
            text = _("The clock of %(name)s differs from this machine's by %(seconds)+.0f s.")
            yield warning(
                text % {"name": name, "seconds": fast_s},
                _("Keep every machine's clock by NTP: times on pages and in logs go by it."),
            )


def database_fast_s() -> float:
    """How far its clock is before this machine's."""
    if connection.vendor == "sqlite":
        return 0.0  # it has this machine's
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        return float(cursor.fetchone()[0]) - time()


def retained() -> Iterator[Observation]:
    kept = {"raw": settings.RAW_DAYS, "records": settings.RECORD_DAYS}
    yield fine(
        _("What models wrote is kept for %(raw)d days, records of attempts for %(records)d.") % kept
    )
    for kind in retention.KINDS:
        if retention.over(kind, LATE_S).order_by(kind.along).exists():
            yield warning(
                _("Rows are still there that should be gone: %(kind)s.") % {"kind": kind.name},
                _("A node deletes them every hour: see its log, or run python -m web retain."),
            )
