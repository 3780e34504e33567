"""The three ways to serve AI, each with what it costs, what it does now, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broker import fleet, health
from broker.fleet import Load
from broker.health import EngineState, Health
from web.engines import licences, roster
from web.engines.keys import Unreadable, why_unreadable
from web.engines.kinds import KINDS
from web.engines.models import AIModelConfig, Engine, Mode
from web.link import attempt_all


class Costs(NamedTuple):
    """A short line each."""

    money: str | Promise
    speed: str | Promise
    privacy: str | Promise


COSTS: Mapping[str, Costs] = {
    Mode.API: Costs(
        gettext_lazy("a price a token, billed by the host; no hardware"),
        gettext_lazy("fast; the account's rate limit decides how many at once"),
        gettext_lazy("programs and questions go to the host, without names"),
    ),
    Mode.VLLM: Costs(
        gettext_lazy("GPUs of your own, or hired by the hour; nothing a token"),
        gettext_lazy("fast, also for a whole class at once"),
        gettext_lazy("everything stays on your servers"),
    ),
    Mode.LOCAL: Costs(
        gettext_lazy("nothing: it runs on the CPU of this machine"),
        gettext_lazy("slow; a few at a time, with short and simple hints"),
        gettext_lazy("everything stays on this machine"),
    ),
}


class Lack(NamedTuple):
    """Why a way cannot serve hints as it is, and where that is mended."""

    why: str
    url: str
    link: str


@dataclass(frozen=True, slots=True)
class Card:
    """One mode. state: what its engines do now; models: names that they answer to.

    stands_in: for the mode that is current.
    """

    mode: Mode
    costs: Costs
    current: bool
    stands_in: bool
    engines: list[Engine]
    state: str
    models: list[str]
    licensed: bool
    lacks: list[Lack]


def cards(config: AIModelConfig) -> list[Card]:
    """config: as stored. Reads the database, and Redis as far as it answers."""
    # One round trip for all three.
    answers = attempt_all([fleet.snapshot(), health.state()])
    found: dict[str, list[Engine]] = {mode: [] for mode in Mode.values}
    for engine in Engine.objects.all():
        found[engine.kind].append(engine)
    return [card(mode, found[mode], config, answers) for mode in Mode]


def card(mode: Mode, rows: list[Engine], config: AIModelConfig, answers: list[Any] | None) -> Card:
    """rows: engines of this kind, also those that are off. answers: None if Redis is down."""
    enabled = [row for row in rows if row.enabled]
    used = mode in config.order
    # A fleet mostly serves one model, which is named once.
    models = list(dict.fromkeys(roster.known_as(row, config) for row in enabled))
    return Card(
        mode=mode,
        costs=COSTS[mode],
        current=config.mode == mode,
        stands_in=mode in config.order[1:],
        engines=enabled,
        state=state_now(enabled, config, answers) if used else state_then(enabled),
        models=[name for name in models if name],
        licensed=any(map(writes, models)),
        lacks=list(lacks(mode, rows, enabled, config)),
    )


def writes(model: str) -> bool:
    """Whether the model may write a hint of any level."""
    licence = licences.of(model)
    return bool(licence and any(licence.levels.values()))


def state_then(enabled: list[Engine]) -> str:
    """Of a mode that is not used: no worker serves its engines."""
    text = ngettext(
        "%(count)d engine is enabled; its workers start once this is chosen",
        "%(count)d engines are enabled; their workers start once this is chosen",
        len(enabled),
    )
    return text % {"count": len(enabled)} if enabled else _("no engine is enabled")


def state_now(enabled: list[Engine], config: AIModelConfig, answers: list[Any] | None) -> str:
    if not enabled:
        return _("no engine is enabled")
    if answers is None:
        return _("unknown: Redis does not answer")
    loads: Mapping[str, Load]
    healths: Mapping[str, Health]
    loads, healths = answers
    states: dict[str, list[str]] = {}
    for row in enabled:
        lost = roster.key_is_lost(row, config)
        load, now = loads.get(row.name), healths.get(row.name, Health())
        state = _("down") if lost else word(row, load, now)
        states.setdefault(state, []).append(row.name)
    parts = [
        _("%(state)s: %(names)s") % {"state": state, "names": ", ".join(names)}
        for state, names in states.items()
    ]
    return "; ".join(parts)


def word(row: Engine, load: Load | None, now: Health) -> str:
    """What the fleet's page says of the engine, as far as it matters for a choice."""
    # What people have set comes before what is measured.
    if row.draining:
        return _("draining")
    if now.state is EngineState.DOWN:
        return _("down")
    if load is None or not load.workers:
        return _("no workers")
    return _("stands by") if load.stands_by else _("up")


def lacks(
    mode: str, rows: list[Engine], enabled: list[Engine], config: AIModelConfig
) -> Iterator[Lack]:
    if not rows:
        add = f"{reverse('admin:engines_engine_add')}?kind={mode}"
        yield Lack(_("There is no engine of this kind."), add, _("Add one"))
    elif not enabled:
        off = f"{reverse('admin:engines_engine_changelist')}?kind__exact={mode}"
        yield Lack(_("No engine of this kind is enabled."), off, _("Enable one"))
    # The local engine is never sent this key.
    if KINDS[mode].shares_key and isinstance(config.api_key, Unreadable):
        yield Lack(why_unreadable(), "#id_api_key", _("Enter it"))
    for row in enabled:
        page = reverse("admin:engines_engine_change", args=[row.pk])
        if isinstance(row.api_key, Unreadable):
            yield Lack(why_unreadable(row.name), page, _("Enter it"))
        if not roster.url_of(row, config):
            yield Lack(_("%(engine)s has no URL.") % {"engine": row.name}, page, _("Give it one"))
        if not roster.known_as(row, config):
            text = _("%(engine)s has no model name.") % {"engine": row.name}
            yield Lack(text, "#id_model_name", _("Name the model"))
