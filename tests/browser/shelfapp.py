"""The site with one offer more, small enough for a test; HF_ENDPOINT names its hub."""

from __future__ import annotations

from tests.fakes.hub import OFFER
from web.asgi import application as application
from web.engines import fetching, offers, shelf

shelf.OFFERS = (*offers.OFFERS, OFFER)
# In place: other modules have this table already.
offers.NAMED[OFFER.name] = OFFER  # type: ignore[index]
fetching.SPARE_BYTES = 0
