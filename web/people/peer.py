"""From which address a request comes, behind nginx or without it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

HOST_BITS = 64
"""Of an IPv6 address: one line or one server has all the addresses that these can tell apart."""


def address(request: HttpRequest) -> str | None:
    """nginx's X-Real-IP where it stands before us (HINTLINE_HTTPS); else the other end's."""
    given = request.headers.get("X-Real-IP") if settings.HTTPS else None
    return given or request.META.get("REMOTE_ADDR")


def network(request: HttpRequest) -> str | None:
    """The address, or the network of an IPv6 one: what failed tries are counted for.

    None where there is no address: the server listens on a Unix socket.
    """
    try:
        found = ip_address(address(request) or "")
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, HOST_BITS), strict=False).network_address)
