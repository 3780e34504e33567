"""python compose/health.py URL STATUS: exit 0 if the address of this container answers so."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_S = 5


def status(url: str) -> int:
    """Asks under the site's own name, the only one Django answers to. Raises: OSError."""
    parts = urlsplit(url)
    host = os.environ.get("HINTLINE_HOSTS", "").split(",")[0] or "localhost"
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path, headers={"Host": host})
        return connection.getresponse().status
    except HTTPException as error:
        raise OSError(f"no HTTP: {error!r}") from error
    finally:
        connection.close()


def main(url: str, wanted: str) -> str | None:
    try:
        seen = status(url)
    except OSError as error:
        return f"{url}: {error}"
    return None if seen == int(wanted) else f"{url}: {seen}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
