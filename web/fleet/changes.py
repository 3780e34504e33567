"""Changes of the fleet by people: worker counts, drain, resume; one set of rules for everybody.

Each change is all or nothing: it answers what is wrong, nothing if it is done. Each is recorded in
the engine's history in the admin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.db.models import Field, QuerySet
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
        engines, problems = named(asked)
        wanted = {each: numbers(each, asked[each.name], problems) for each in engines}
        # Whoever sets an engine to 0 workers needs no node that serves it. The counts are judged
        # first: of a bad one nobody needs to know where it would run.
        raised = [each.name for each in engines if wanted[each].get("workers")]
        problems = problems or unserved(raised)
        if not problems:
            for engine in engines:
                keep(by, engine, wanted[engine], via)
    return problems


def set_draining(draining: bool, by: User, names: Collection[str], via: str = "") -> list[str]:
    """Arguments after the first, and the answer, as of scale."""
    with transaction.atomic():
        engines, problems = named(names)
        if not problems:
            for engine in engines:
                keep(by, engine, {"draining": draining}, via)
    return problems


drain = partial(set_draining, True)
"""The engines get nothing new, finish what they have, and then their workers stop."""
resume = partial(set_draining, False)
"""Ends a drain: the workers start again."""


def idle_mode() -> str:
    """A warning if no engine is left that may get hints, else nothing."""
    if roster.active():
        return ""
    return _("No engine takes hints now: hints come from their authors.")


def command_line() -> User:
    """Whom changes by the command line are recorded for; nobody can sign in as this user."""
    blocked = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=COMMAND_LINE, defaults=blocked)[0]


def named(
    names: Collection[str], rows: QuerySet[Engine] | None = None
) -> tuple[list[Engine], list[str]]:
    """The engines of these names, and a problem for each name that none has.

    rows: to look among; by default all of them, locked until the caller's transaction ends.
    """
    # Locked, so that the values before the change, which the history tells, are those it replaced.
    found = Engine.objects.select_for_update() if rows is None else rows
    engines = list(found.filter(name__in=names))
    there = ", ".join(Engine.objects.values_list("name", flat=True)) or _("none")
    text = _("%(engine)s: there is no such engine. There are: %(known)s.")
    missing = [name for name in names if name not in {engine.name for engine in engines}]
    return engines, [text % {"engine": name, "known": there} for name in missing]


def numbers(engine: Engine, asked: Counts, problems: list[str]) -> dict[str, int]:
    """What was asked, by the engine's field; adds a problem for what its field does not allow."""
    found: dict[str, int] = {}
    for field, text in (("workers", asked.workers), ("worker_slots", asked.slots)):
        low, high = limits(field)
        # Neither spaces nor digits of other scripts, which int() would take; and it refuses
        # thousands of digits, where nine are beyond every limit.
        digits = text.isascii() and text.isdigit() and len(text) <= 9
        if digits and low <= int(text) <= high:
            found[field] = int(text)
        elif text:
            what = {"engine": engine.name, "what": column(field).verbose_name, "text": text[:20]}
            told = _("%(engine)s: “%(text)s” is no number of %(what)s: use %(low)d to %(high)d.")
            problems.append(told % {**what, "low": low, "high": high})
    return found


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


def keep(by: User, engine: Engine, wanted: Mapping[str, int | bool], via: str) -> None:
    """Saves and records what is wanted and not so already."""
    told = []
    for field, value in wanted.items():
        before = getattr(engine, field)
        if before != value:
            setattr(engine, field, value)
            told.append(f"{column(field).verbose_name}: {shown(before)} → {shown(value)}")
    if not told:
        return
    # These fields alone: somebody may be saving the engine's form at the same moment.
    engine.save(update_fields=list(wanted))
    roster.push()
    text = "; ".join(told) + (f" ({via})" if via else "")
    LogEntry.objects.log_actions(by.pk, [engine], CHANGE, text, single_object=True)


def shown(value: int | bool) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
