"""What a change of the fleet would do, in sentences for whoever is about to make it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from broker import fleet
from broker.base.times import DRAIN_S
from broker.fleet import Load
from web.engines import roster
from web.engines.models import Engine
from web.fleet.changes import Counts, named, numbers, unserved
from web.fleet.overview import NO_LOAD
from web.link import attempt


def of_scale(asked: Mapping[str, Counts]) -> tuple[list[str], list[str]]:
    """Sentences, or what is wrong with what was asked; as of changes.scale."""
    # Nothing is changed here, so nothing is locked.
    engines, problems = named(asked, Engine.objects.all())
    wanted = {each: numbers(each, asked[each.name], problems) for each in engines}
    problems += unserved([each.name for each in engines if wanted[each].get("workers")])
    if problems:
        return [], problems
    loads = attempt(fleet.snapshot()) or {}
    told = []
    for engine in engines:
        workers = wanted[engine].get("workers", engine.workers)
        slots = wanted[engine].get("worker_slots", engine.worker_slots)
        if (workers, slots) != (engine.workers, engine.worker_slots):
            told.append(scaled(engine, workers, slots, loads.get(engine.name, NO_LOAD)))
    return told, []


def scaled(engine: Engine, workers: int, slots: int, load: Load) -> str:
    before, after = room(engine, engine.workers, engine.worker_slots), room(engine, workers, slots)
    counts = {
        "engine": engine.name, "before": before, "after": after, "workers": workers,
        "slots": slots, "in_flight": load.in_flight, "most": engine.slots,
    }  # fmt: skip
    if not workers:
        told = _("%(engine)s: it gets no new hints; what its workers have, they finish first.")
    elif after == before:
        told = _(
            "%(engine)s: %(workers)d workers of %(slots)d slots, and as many hints at once as "
            "before, %(after)d: it may have %(most)d at most."
        )
    elif after > before:
        told = _("%(engine)s: up to %(after)d hints at once instead of %(before)d.")
    else:
        told = _(
            "%(engine)s: up to %(after)d hints at once instead of %(before)d; it has %(in_flight)d "
            "now, and none of them is lost."
        )
    text = told % counts
    if workers and slots != engine.worker_slots:
        text += " " + _("Its workers are replaced one after the other, which takes some seconds.")
    if engine.draining:
        text += " " + _("It is draining, so this counts once it is resumed.")
    return text


def room(engine: Engine, workers: int, slots: int) -> int:
    """Hints that it may have at once by these counts."""
    return min(workers * slots, engine.slots)


def of_drain(name: str) -> list[str]:
    """Nothing for an engine that is not there."""
    engine = Engine.objects.filter(name=name).first()
    if engine is None:
        return []
    load = (attempt(fleet.snapshot()) or {}).get(name, NO_LOAD)
    others = sorted(
        each
        for each, want in roster.wanted().items()
        if each != name and want.workers and not want.draining
    )
    counts = {"engine": name, "count": load.in_flight, "seconds": round(DRAIN_S)}
    told = [
        _(
            "%(engine)s gets no new hints. It finishes the %(count)d it has, within %(seconds)d s, "
            "and then its workers stop."
        )
        % counts
    ]
    if others:
        # Those that stand in for others are not asked while one of these is there.
        tiers = roster.tiers()
        first = min(tiers[each] for each in others)
        others = [each for each in others if tiers[each] == first]
        told.append(_("New hints go to %(engines)s.") % {"engines": ", ".join(others)})
    else:
        told.append(_("No other engine takes hints: they come without a model until it resumes."))
    return told
