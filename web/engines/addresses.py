"""The address of a server: as people type it, and as it is asked."""

from __future__ import annotations

import re

VERSION = re.compile(r"v\d")
PASTED = "/chat/completions"
"""What the pages of hosted APIs show behind the address that is meant."""


def whole(typed: str) -> str:
    """With /v1 at its end, unless a part of its path names a version already."""
    url = typed.strip().rstrip("/").removesuffix(PASTED).rstrip("/")
    # Not urlsplit: it raises for half a bracket, which the field's own check lets pass.
    path = url.partition("://")[2].partition("/")[2]
    # Some hosts name it elsewhere than at the end: /v1beta/openai, /api/paas/v4.
    if not url or any(map(VERSION.match, path.split("/"))):
        return url
    return f"{url}/v1"


def origin(url: str) -> str:
    """Scheme and host: whom a key that is sent there is told to."""
    scheme, _, rest = url.lower().partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
