"""The site with one offer more, small enough for a test; HF_ENDPOINT names its hub."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tests.fakes.hub import BYTES
from web.asgi import application as application
from web.engines import fetching, offers, shelf

TINY = replace(
    offers.OFFERS[0],
    name="tiny",
    title="Tiny",
    file="tiny.gguf",
    size_bytes=len(BYTES),
    sha256=hashlib.sha256(BYTES).hexdigest(),
)
shelf.OFFERS = (*offers.OFFERS, TINY)
# In place: other modules have this table already.
offers.NAMED["tiny"] = TINY  # type: ignore[index]
fetching.SPARE_BYTES = 0
