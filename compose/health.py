"""python compose/health.py URL: exit 0 if the address of this container answers 200."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_S = 5


def problem(url: str) -> str | None:
    # Under the site's own name, the only one Django answers to.
    host = os.environ.get("HINTLINE_HOSTS", "").split(",")[0] or "localhost"
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path, headers={"Host": host})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{url}: {error!r}"
    return None if status == 200 else f"{url}: {status}"


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]))
