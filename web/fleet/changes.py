"""Changes of the fleet by people: worker counts, drain, resume; one set of rules for everybody.

Each change is all or nothing: it answers what is wrong, nothing if it is done. Each is recorded in
the engine's history in the admin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.db.models import Field
from django.utils.translation import gettext as _

from broker import nodes
from broker.nodes import NodeState
from web.engines import roster
from web.engines.models import Engine
from web.link import attempt
from web.people.models import User

COMMAND_LINE = "command-line"


class Counts(NamedTuple):
    """What a person wrote as numbers for one engine, not yet checked; empty: leave it.

    workers: processes, over all nodes; slots: of each of them.
    """

    workers: str = ""
    slots: str = ""


class Limits(NamedTuple):
    """The lowest and the highest number that a field takes."""

    low: int
    high: int


def column(name: str) -> Field[Any, Any]:
    found = Engine._meta.get_field(name)
    assert isinstance(found, Field)
    return found


def limits(field: str) -> Limits:
    """The numbers that the field of an Engine allows, both ends included."""
    validators = column(field).validators
    # Django may add a limit of the database's column to ours; the tighter of the two counts.
    high = min(int(each.limit_value) for each in validators if type(each) is MaxValueValidator)
    return Limits(0 if field == "workers" else 1, high)


def scale(by: User, asked: Mapping[str, Counts], via: str = "") -> list[str]:
    """Sets how many workers each engine should have; returns problems, in the reader's language.

    asked: by the engine's name. via: how it was asked, for the engine's history.
    """
    with transaction.atomic():
        rows = engines_named(asked)
        problems = unknown(asked, rows)
        changes = {}
        for name, engine in rows.items():
            changes[name] = change(engine, asked[name], problems)
        # Whoever sets an engine to 0 workers needs no node that serves it.
        raised = [name for name, engine in rows.items() if asked[name].workers and engine.workers]
        # The counts are judged first: of a bad one nobody needs to know where it would run.
        problems = problems or unserved(raised)
        if not problems:
            for name, engine in rows.items():
                keep(by, engine, changes[name], via)
    return problems


def drain(by: User, names: Collection[str], via: str = "") -> list[str]:
    """The engines get nothing new, finish what they have, and then their workers stop."""
    return set_draining(by, names, True, via)


def resume(by: User, names: Collection[str], via: str = "") -> list[str]:
    """Ends a drain: the workers start again."""
    return set_draining(by, names, False, via)


def set_draining(by: User, names: Collection[str], draining: bool, via: str) -> list[str]:
    with transaction.atomic():
        rows = engines_named(names)
        problems = unknown(names, rows)
        if not problems:
            for engine in rows.values():
                before = {"draining": engine.draining}
                engine.draining = draining
                keep(by, engine, before, via)
    return problems


def idle_mode() -> str:
    """A warning if no engine is left that may get hints, else nothing."""
    if roster.active():
        return ""
    return _("No engine takes hints now: hints come from their authors.")


def command_line() -> User:
    """Whom changes by the command line are recorded for; nobody can sign in as this user."""
    blocked = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=COMMAND_LINE, defaults=blocked)[0]


def engines_named(names: Collection[str]) -> dict[str, Engine]:
    # Locked, so that the values before the change, which the history tells, are those it replaced.
    found = Engine.objects.select_for_update().filter(name__in=names)
    return {engine.name: engine for engine in found}


def unknown(names: Collection[str], rows: Mapping[str, Engine]) -> list[str]:
    known = ", ".join(Engine.objects.values_list("name", flat=True)) or _("none")
    text = _("%(engine)s: there is no such engine. There are: %(known)s.")
    return [text % {"engine": name, "known": known} for name in names if name not in rows]


def change(engine: Engine, asked: Counts, problems: list[str]) -> dict[str, int | bool]:
    """Sets what was asked on the row, unsaved, or adds a problem; returns the old values."""
    before: dict[str, int | bool] = {}
    for field, text in (("workers", asked.workers), ("worker_slots", asked.slots)):
        low, high = limits(field)
        # Nine digits are beyond every limit, and int() refuses thousands of them.
        # Neither spaces nor digits of other scripts, which int() would take.
        if text and not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            problems.append(bad_number(engine, field, text))
        elif text:
            before[field] = getattr(engine, field)
            setattr(engine, field, int(text))
    return before


def bad_number(engine: Engine, field: str, text: str) -> str:
    low, high = limits(field)
    what = column(field).verbose_name
    told = {"engine": engine.name, "what": what, "text": text[:20], "low": low, "high": high}
    return _("%(engine)s: “%(text)s” is no number of %(what)s: use %(low)d to %(high)d.") % told


def unserved(names: Collection[str]) -> list[str]:
    """Engines that no live node serves; with Redis down nobody knows, and none is named."""
    live = attempt(nodes.live())
    if live is None:
        return []
    shown = ", ".join(f"{name} ({serves(state)})" for name, state in live.items()) or _("none")
    text = _("%(engine)s: no live node serves it. Live nodes: %(nodes)s.")
    return [
        text % {"engine": name, "nodes": shown}
        for name in names
        if not any(state.serves(name) for state in live.values())
    ]


def serves(state: NodeState) -> str:
    """The engines of a node, for people."""
    if state.engines is None:
        return _("every engine")
    return ", ".join(sorted(state.engines)) or _("stopping")


def keep(by: User, engine: Engine, before: Mapping[str, int | bool], via: str) -> None:
    """Saves and records what is different from before."""
    changed = [field for field, value in before.items() if getattr(engine, field) != value]
    if not changed:
        return
    # These fields alone: somebody may be saving the engine's form at the same moment.
    engine.save(update_fields=changed)
    roster.push()
    told = [
        f"{column(field).verbose_name}: {shown(before[field])} → {shown(getattr(engine, field))}"
        for field in changed
    ]
    text = "; ".join(told) + (f" ({via})" if via else "")
    LogEntry.objects.log_actions(by.pk, [engine], CHANGE, text, single_object=True)


def shown(value: int | bool) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
