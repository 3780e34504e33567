"""What the URLs of Redis and of the database say, for settings and for Celery's own spelling."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import redis
from kombu.utils.url import as_url
from redis.connection import parse_url


def names_a_redis(url: str) -> bool:
    """Whether redis-py can be given this URL; what it passes over in silence is no URL either."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            named = bool(parts.path)
        else:
            path = parts.path.strip("/")
            named = bool(parts.hostname) and (not path or path.isdecimal())
            (parts.hostname or "").encode("idna")
            assert parts.port is None or parts.port > 0
        # Takes only options that a connection has, and connects to nothing yet.
        redis.ConnectionPool.from_url(url).make_connection()
    except (AssertionError, TypeError, ValueError, redis.RedisError):
        return False
    return named


def names_a_database(url: str) -> bool:
    """Whether the URL names a database of PostgreSQL, or a file of SQLite."""
    try:
        parts = urlsplit(url)
        named = bool(parts.path.strip("/"))
        if parts.scheme == "sqlite":
            named = named or bool(parts.netloc)
        else:
            named = named and parts.port != 0
    except ValueError:
        return False
    return named and url.startswith(f"{parts.scheme}://")


def for_celery(url: str) -> str:
    """A REDIS_URL in kombu's spelling, which has its own for Unix sockets, and few options."""
    if url.startswith("unix:"):
        return url.replace("unix:", "redis+socket:", 1).replace("db=", "virtual_host=")
    given: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    spelt: str = as_url(
        urlsplit(url).scheme,
        host=given.get("host"),
        port=given.get("port"),
        user=given.get("username"),
        password=given.get("password"),
        path=str(given.get("db", 0)),
    )
    return spelt


def tls(url: str) -> dict[str, Any] | None:
    """Celery's broker_use_ssl; None without TLS.

    kombu verifies nobody unless it is told to. redis-py does, unless the URL says otherwise, and so
    both links ask for the same.
    """
    if not url.startswith("rediss:"):
        return None
    given: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    asked = {name: value for name, value in given.items() if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", **asked}
