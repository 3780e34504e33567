"""Who writes hints: nodes, their workers, the model servers, and what their models may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broker import nodes as broker_nodes
from web.engines import findings, licences, presets, roster
from web.engines.models import AIModelConfig
from web.fleet import overview
from web.fleet.overview import Condition, Row
from web.link import attempt
from web.ops.doctor.observation import Observation, error, fine, warning

WORKS_NO_MORE = {
    Condition.DOWN: gettext_lazy("See what its server logs, and test its connection on its page."),
    Condition.CRASHING: gettext_lazy("See the last lines of its node's log."),
    Condition.EMPTY: gettext_lazy("Start a node that serves it, or give it workers."),
}
"""What to do about an engine through which no hint gets; in other states it is but a pause."""


def nodes() -> Iterator[Observation]:
    live = attempt(broker_nodes.live())
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
    # It loads the openai client, which would take a second of every start of the web.
    from web.ops.doctor import reaching

    yield from asyncio.run(reaching.asked(roster.reachable()))


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
