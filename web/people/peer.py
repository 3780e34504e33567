"""From which address a request comes, behind nginx or not, and which have failed too often."""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from time import monotonic

from django.conf import settings
from django.http import HttpRequest

HOST_BITS = 64
"""The last bits of an IPv6 address: who has one has all that differ only there."""
MOST_ADDRESSES = 10_000


def network(request: HttpRequest) -> str | None:
    """The address, or the network of an IPv6 one: what failed tries are counted for.

    It is the X-Real-IP of nginx, which HINTLINE_HTTPS says is there; else the connection's. None
    where there is no address: the server listens on a Unix socket.
    """
    # Without nginx before us anybody could write this header, and so choose the address that their
    # failed tries are counted for.
    given = request.headers.get("X-Real-IP") if settings.HTTPS else None
    try:
        found = ip_address(given or request.META.get("REMOTE_ADDR") or "")
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, HOST_BITS), strict=False).network_address)


class Tries:
    """A bucket for each address, which fills with failed tries and leaks.

    limit: tries that may fail at once. per_s: how many of them are forgotten in a second.
    It lives in one process, and knows the addresses of the last failures: what it protects is
    worth no row and no round trip.
    """

    def __init__(self, limit: int, per_s: float) -> None:
        self._limit, self._per_s = limit, per_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def failed(self, address: str) -> int:
        """Counts one; answers the seconds to wait, 0 while the address is under the limit."""
        now = monotonic()
        with self._lock:
            level, at = self._levels.pop(address, (0.0, now))
            level = max(0.0, level - (now - at) * self._per_s)
            # A try over the limit is not added: who goes on trying waits no longer for it.
            over = level + 1 > self._limit
            self._levels[address] = (level if over else level + 1, now)
            if len(self._levels) > MOST_ADDRESSES:
                self._levels.popitem(last=False)
        return math.ceil((level + 1 - self._limit) / self._per_s) if over else 0
