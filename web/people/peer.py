"""From which address a request comes, behind nginx or without it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

HOST_BITS = 64
"""The last bits of an IPv6 address: who has one has all that differ only there."""


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
