"""The fleet as people see it, in admin and console: a row an engine, a line a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db.models import TextChoices
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broker import dispatch, fleet, health, nodes
from broker.base.children import HUNG
from broker.base.times import FAILURE_THRESHOLD, FAILURES_WITHIN_S
from broker.fleet import Load
from broker.health import EngineState, Health, Why
from broker.nodes import CrewReport, NodeState
from broker.scripts import Call
from web.engines import roster
from web.engines.models import AIModelConfig, Engine
from web.fleet.changes import serves
from web.link import attempt_all

WHY = {
    Why.FAILURES: format_lazy(
        gettext_lazy("it failed {times} times in {seconds} s"),
        times=FAILURE_THRESHOLD,
        seconds=FAILURES_WITHIN_S,
    ),
    Why.CANARY: gettext_lazy("its first hint failed"),
    Why.REFUSED: gettext_lazy("nothing listens at its address"),
    Why.UNHEALTHY: gettext_lazy("it says that it is dead"),
    Why.FROZEN: gettext_lazy("it makes no step"),
}
NO_LOAD = Load(slots=0, max_slots=0, in_flight=0, workers={})


class Condition(TextChoices):
    """What an engine does now, in one word."""

    UP = "up", gettext_lazy("up")
    """Workers serve it."""
    DOWN = "down", gettext_lazy("down")
    """It failed, or its key cannot be read: it gets no hints."""
    PROBING = "probing", gettext_lazy("being tried")
    """It was down, and one hint tries it."""
    STANDBY = "standby", gettext_lazy("stands by")
    """It is up, and so is one of those that it stands in for."""
    PAUSED = "paused", gettext_lazy("paused")
    """Its server asked for a pause."""
    CRASHING = "crashing", gettext_lazy("workers crash")
    """No worker lives, and one will be started again."""
    EMPTY = "empty", gettext_lazy("no workers")
    """No worker lives, and none crashed."""
    DRAINING = "draining", gettext_lazy("draining")
    """It finishes what it has."""
    DRAINED = "drained", gettext_lazy("drained")
    """It is draining and has nothing left."""
    OFF = "off", gettext_lazy("off")
    """Not enabled, or neither of the AI mode nor of its fallbacks."""
    UNKNOWN = "unknown", gettext_lazy("unknown")
    """Redis is down."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine. in_use: as web.engines.roster has it; crews: of all live nodes.

    known: Redis tells. key_lost: its API key cannot be read, so that it gets no hints.
    """

    engine: Engine
    in_use: bool
    known: bool
    load: Load
    health: Health
    crews: tuple[CrewReport, ...]
    key_lost: bool

    @property
    def state(self) -> Condition:
        busy = bool(self.load.workers or self.load.in_flight)
        # The first rule that holds gives the word: what people have set comes before what is
        # measured.
        rules = (
            (not self.in_use, Condition.OFF),
            (self.key_lost, Condition.DOWN),
            (self.engine.draining and not self.known, Condition.DRAINING),
            (not self.known, Condition.UNKNOWN),
            (self.engine.draining, Condition.DRAINING if busy else Condition.DRAINED),
            (self.health.state is EngineState.DOWN, Condition.DOWN),
            (self.health.state is EngineState.PROBING, Condition.PROBING),
            (bool(self.load.workers) and self.health.paused_s > 0, Condition.PAUSED),
            (bool(self.load.workers) and self.load.stands_by, Condition.STANDBY),
            (bool(self.load.workers), Condition.UP),
            (any(crew.retry_s is not None for crew in self.crews), Condition.CRASHING),
        )
        return next((state for holds, state in rules if holds), Condition.EMPTY)

    def cells(self) -> dict[str, str]:
        """What each column shows; empty: nothing is known."""
        figures = self.figures() if self.known else {}
        state = str(self.state.label)
        if self.state is Condition.DOWN and self.key_lost:
            state += ": " + _("its API key cannot be read")
        elif self.state is Condition.DOWN and self.health.why:
            state += f": {WHY[self.health.why]}"
        if self.state is Condition.PAUSED:
            state = _("paused %(seconds)d s") % {"seconds": ceil(self.health.paused_s)}
        return {"state": state, **figures}

    def figures(self) -> dict[str, str]:
        """The measured columns by name, as text; empty where an engine does not tell."""
        # Only engines that show metrics, vLLM's, have a reading; the others leave these cells
        # empty.
        reading = self.health.reading
        limit = "" if self.health.limit is None else f" / {self.health.limit:.0f}"
        return {
            "live": str(len(self.load.workers)),
            "slots": f"{self.load.slots}{limit}",
            "in_flight": jobs(self.load.hints, self.load.ahead),
            "waiting": number(getattr(reading, "waiting", None), "{}"),
            "tokens_s": number(getattr(reading, "tokens_s", None), "{:,.0f}"),
            "cached": number(getattr(reading, "cached_ratio", None), "{:.0%}"),
            "crashes": self.crashes(),
        }

    def last_lines(self) -> str:
        """What its workers had printed before they crashed last, for staff; empty for no crash."""
        return "\n".join(crew.last_lines for crew in self.crews if crew.last_lines)

    def crashes(self) -> str:
        """How many, how the last ended, and when the next try is."""
        count = sum(crew.crashes for crew in self.crews)
        if not count:
            return "0"
        exits = [crew.last_exit for crew in self.crews if crew.last_exit]
        parts = [str(count), *(_("hung") if each == HUNG else each for each in exits)]
        pauses = [crew.retry_s for crew in self.crews if crew.retry_s is not None]
        if pauses:
            parts.append(_("next try in %(seconds)d s") % {"seconds": max(pauses)})
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Overview:
    """nodes: the live ones by name; waiting: hints that wait for a slot. None: Redis is down.

    ahead: diagnoses that wait to run ahead.
    """

    rows: tuple[Row, ...]
    nodes: Mapping[str, NodeState] | None
    waiting: int | None
    ahead: int

    @property
    def notice(self) -> str:
        """What is wrong with the figures."""
        if self.nodes is None:
            return _("Redis does not answer: only what is wanted can be shown. It can be changed.")
        return ""

    def backlog(self) -> str:
        if self.waiting is None:
            return ""
        said = _("Hints that wait for a slot: %(count)d") % {"count": self.waiting}
        running = sum(row.load.ahead for row in self.rows)
        if not running + self.ahead:
            return said
        counts = {"running": running, "waiting": self.ahead}
        more = _("diagnoses that run ahead: %(running)d (behind a +), waiting: %(waiting)d")
        return f"{said} · {more % counts}"

    def node_lines(self) -> list[tuple[str, str, str]]:
        """Name, engines and workers of each node."""
        return [
            (name, serves(state), ", ".join(map(crew_line, state.crews)))
            for name, state in (self.nodes or {}).items()
        ]

    def as_json(self) -> dict[str, Any]:
        """notice, backlog, nodes; rows: by engine's name its cells, tone, crash, workers, slots."""
        rows = {
            row.engine.name: {
                "cells": row.cells(),
                "tone": row.state.value,
                "crash": row.last_lines(),
                "workers": row.engine.workers,
                "slots": row.engine.worker_slots,
                "draining": row.engine.draining,
            }
            for row in self.rows
        }
        line = {"notice": self.notice, "backlog": self.backlog()}
        return {**line, "rows": rows, "nodes": self.node_lines()}


def overview() -> Overview:
    """The fleet now. Reads the database, and Redis as far as it answers."""
    engines, config = list(Engine.objects.all()), AIModelConfig.current()
    in_use = set(roster.wanted())
    # One round trip: every open fleet page asks again every few seconds.
    size, ahead = dispatch.backlog_size(), dispatch.waiting_ahead()
    calls: list[Call[Any]] = [nodes.live(), fleet.snapshot(), health.state(), size, ahead]
    # Without Redis nothing of this is known.
    answers: list[Any] = attempt_all(calls) or [None, {}, {}, None, 0]
    live, loads, healths, waiting, waiting_ahead = answers
    rows = (
        Row(
            engine,
            in_use=engine.name in in_use,
            known=live is not None,
            load=loads.get(engine.name, NO_LOAD),
            health=healths.get(engine.name, Health()),
            crews=crews_of(engine.name, live or {}),
            key_lost=roster.key_is_lost(engine, config),
        )
        for engine in engines
    )
    hints = None if waiting is None else waiting - waiting_ahead
    return Overview(tuple(rows), live, hints, waiting_ahead)


def crews_of(engine: str, live: Mapping[str, NodeState]) -> tuple[CrewReport, ...]:
    return tuple(crew for node in live.values() for crew in node.crews if crew.engine == engine)


def crew_line(crew: CrewReport) -> str:
    line = f"{crew.engine} {crew.live}/{crew.wanted}"
    return f"{line} (−{crew.leaving})" if crew.leaving else line


def jobs(hints: int, ahead: int) -> str:
    """Hints, and behind a plus the diagnoses that run ahead, if there are any."""
    return f"{hints} + {ahead}" if ahead else str(hints)


def number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
