"""Who writes hints: nodes, their workers, the model servers, and what their models may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broker.contract.job import Endpoint
from web.engines import findings, licences, listing, presets, roster
from web.engines.listing import NoListError
from web.engines.models import AIModelConfig, Engine
from web.fleet import overview
from web.fleet.overview import Condition, Row
from web.ops.doctor.observation import Observation, error, fine, warning

WITHIN_S = 5.0
MODELS_SHOWN = 5
WORKS_NO_MORE = {
    Condition.DOWN: gettext_lazy("See what its server logs, and test its connection on its page."),
    Condition.CRASHING: gettext_lazy("See the last lines of its node's log."),
    Condition.EMPTY: gettext_lazy("Start a node that serves it, or give it workers."),
}
"""What to do about an engine through which no hint gets; in other states it is but a pause."""


def nodes() -> Iterator[Observation]:
    live = overview.overview().nodes
    if live is None:
        yield error(_("Redis does not tell which nodes are alive."), _("Mend Redis first."))
    elif not live:
        yield error(_("No node is alive: no model writes a hint."), "python -m workers node")
    else:
        yield fine(", ".join(live))


def engines() -> Iterator[Observation]:
    now = overview.overview()
    if not any(row.in_use for row in now.rows):
        mode = {"mode": AIModelConfig.current()}
        yield error(
            _("The AI mode is %(mode)s, and no engine of that kind is enabled.") % mode,
            _("Add or enable one in the admin, or choose another AI mode."),
        )
    for row in now.rows:
        # What Redis does not tell is told under Redis.
        if row.in_use and row.known:
            yield of_engine(row)


def of_engine(row: Row) -> Observation:
    text = f"{row.engine.name}: {row.cells()['state']}"
    if row.state is Condition.CRASHING:
        text = f"{text} ({row.crashes()})"
    if row.state is Condition.UP:
        return fine(text)
    if row.state in WORKS_NO_MORE:
        return error(text, WORKS_NO_MORE[row.state])
    if row.engine.draining:
        return warning(text, f"python -m workers resume {row.engine.name}")
    return warning(text, _("Look again in a minute: it may be back by itself."))


def servers() -> Iterator[Observation]:
    reached = roster.reachable()
    yield from asyncio.run(asked(reached))


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


def models() -> Iterator[Observation]:
    """Whether each one thinks, as far as its name tells."""
    config = AIModelConfig.current()
    for engine in roster.in_use(config):
        preset = roster.preset_of(engine, config)
        yield fine(f"{engine.name}: {presets.words(preset)}")


def licensed() -> Iterator[Observation]:
    config = AIModelConfig.current()
    if nobody := findings.why_nobody_writes():
        yield warning(nobody, "python -m web evaluate")
    in_use = roster.in_use(config)
    for engine in in_use:
        model = roster.known_as(engine, config)
        yield fine(f"{engine.name}: {findings.licence_words(model, licences.of(model))}")
    yield fine(findings.judged_words(in_use, config))
