"""Asks the model servers what they are."""

from __future__ import annotations

import asyncio

from django.utils.translation import gettext as _

from broker.contract.job import Endpoint
from web.engines import listing
from web.engines.listing import NoListError
from web.engines.models import Engine
from web.ops.doctor.observation import Observation, error, fine, warning

WITHIN_S = 5.0
MODELS_SHOWN = 5


# All at once: of ten servers that are gone each would take its seconds.
async def asked(reached: list[tuple[Engine, Endpoint]]) -> list[Observation]:
    return await asyncio.gather(*(server(engine, endpoint) for engine, endpoint in reached))


async def server(engine: Engine, endpoint: Endpoint) -> Observation:
    """What the server of this engine says of itself, within WITHIN_S."""
    names = {"engine": engine.name, "url": endpoint.base_url, "model": endpoint.model}
    try:
        async with asyncio.timeout(WITHIN_S):
            models = await listing.listed(endpoint)
            version = await listing.version(endpoint) if endpoint.has.metrics else ""
    except (NoListError, TimeoutError) as found:
        # A time-out has no words of its own.
        why = names | {"why": str(found) or f"> {WITHIN_S:g} s"}
        if getattr(found, "answered", False):
            text = _("%(engine)s: %(url)s answers, and gives no list of its models (%(why)s).")
            return warning(text % why, _("Test its connection on its page."))
        text = _("%(engine)s: %(url)s does not answer (%(why)s).")
        return error(text % why, _("Check the URL, and that the server runs."))
    # Some servers answer to any name, so it need not be wrong.
    if endpoint.model and endpoint.model not in models:
        names["models"] = ", ".join(models[:MODELS_SHOWN]) or _("none")
        text = _("%(engine)s: the server has no model %(model)s; it has %(models)s.")
        return warning(text % names, _("Give the engine the name that its server uses."))
    return fine(f"{engine.name}: {', '.join(filter(None, (version, endpoint.model)))}")
