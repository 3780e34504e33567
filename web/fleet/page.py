"""The fleet's page: a table that keeps itself fresh, with counts and drain to change; charts."""

from __future__ import annotations

from math import inf
from threading import Lock
from time import monotonic
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from web.fleet import changes, effects
from web.fleet.changes import Counts
from web.fleet.charts import SPANS, charts
from web.fleet.overview import Row, overview
from web.fleet.pace import Pace
from web.hints.models import Hint
from web.people import access
from web.people.models import User

FIELDS = (("workers", "workers"), ("slots", "worker_slots"))
NOW_S = 1.0


class SeenByAll:
    """The fleet as one of the open pages has asked for it, for the others that ask in NOW_S."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def now(self) -> dict[str, Any]:
        """In the reader's language."""
        language = get_language() or ""
        # Who comes while it is asked for waits for that answer, instead of asking as well.
        with self._lock:
            asked_s, found = self._kept.get(language, (-inf, {}))
            if monotonic() - asked_s > NOW_S:
                found = overview().as_json()
                self._kept[language] = monotonic(), found
            return found

    def forget(self) -> None:
        """Something was changed here."""
        self._kept.clear()


seen_by_all = SeenByAll()
pace = Pace()


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fleet(request: HttpRequest) -> HttpResponse:
    """Who may only see engines has no controls."""
    access.require(access.sees_engines, request.user)
    problems = []
    if request.method == "POST":
        access.require(access.changes_engines, request.user)
        problems = carried_out(request)
        seen_by_all.forget()
        if not problems:
            if warning := changes.idle_mode():
                messages.warning(request, warning)
            return redirect("ops_fleet")
    now = overview()
    context = {
        "fleet": now,
        # What a person typed stays in the fields.
        "rows": [line(row, request.POST) for row in now.rows],
        "limits": {name: changes.limits(field) for name, field in FIELDS},
        "may_change": access.changes_engines(request.user),
        "problems": problems,
        "words": words(),
    }
    return render(request, "ops/fleet.html", context)


@never_cache
@login_required
@require_safe
def fleet_now(request: HttpRequest) -> HttpResponse:
    """As Overview.as_json, at most NOW_S old; again_s: when to ask again."""
    access.require(access.sees_engines, request.user)
    return JsonResponse({**seen_by_all.now(), "again_s": pace.after(monotonic())})


@never_cache
@login_required
@require_safe
def fleet_charts(request: HttpRequest) -> HttpResponse:
    """As web.fleet.charts. span, in the query: hour, or day."""
    access.require(access.sees_engines, request.user)
    span = request.GET.get("span", "")
    return JsonResponse(charts(span if span in SPANS else "hour"))


@never_cache
@login_required
@require_safe
def fleet_plan(request: HttpRequest) -> HttpResponse:
    """JSON: told, what the form of this query would do, in sentences; problems, why it cannot."""
    access.require(access.changes_engines, request.user)
    # A drain is asked for by its own button, whatever stands in the fields.
    if engine := request.GET.get("drain"):
        told, problems = effects.of_drain(engine), list[str]()
    else:
        told, problems = effects.of_scale(changed(request.GET))
    return JsonResponse({"told": told, "problems": problems})


def words() -> dict[str, Any]:
    """What the charts call things, in the reader's language."""
    return {
        "source": {value: str(label) for value, label in Hint.Source.choices},
        "rule": {
            "R1": _("R1 code"),
            "R2": _("R2 the correction"),
            "R3": _("R3 what to change"),
            "R4": _("R4 code of the solution"),
            "R5": _("R5 an example too like it"),
            "R6": _("R6 code that solves it"),
            "R7": _("R7 said before"),
            "R8": _("R8 form"),
            "R9": _("R9 thoughts, or untrue"),
            "avoid": _("the author's words to avoid"),
            "judge": _("the judge"),
        },
        "limit": _("limit"),
        "last": _("last"),
        "most": _("most"),
        "nothing": _("Nothing yet: a point is drawn when its minute is over."),
    }


def line(row: Row, typed: QueryDict) -> dict[str, Any]:
    """One engine for the template. inputs: name, stored value and shown value of each field."""
    inputs = {}
    for name, field in FIELDS:
        stored = str(getattr(row.engine, field))
        inputs[name] = {"stored": stored, "shown": typed.get(f"{name}-{row.engine.name}", stored)}
    return {
        "engine": row.engine, "cells": row.cells(), "tone": row.state.value, "inputs": inputs,
        "crash": row.last_lines(),
    }  # fmt: skip


def carried_out(request: HttpRequest) -> list[str]:
    """Does what the pressed button says; answers what is wrong."""
    by = cast(User, request.user)
    if engine := request.POST.get("drain"):
        problems, done = changes.drain(by, [engine]), _("Draining: %(engine)s.")
    elif engine := request.POST.get("resume"):
        problems, done = changes.resume(by, [engine]), _("Resumed: %(engine)s.")
    else:
        asked = changed(request.POST)
        problems, done = changes.scale(by, asked), _("Saved: %(engine)s.")
        engine = ", ".join(asked)
    if engine and not problems:
        messages.success(request, done % {"engine": engine})
    return problems


def changed(form: QueryDict) -> dict[str, Counts]:
    """What differs from the value that the page showed: others may have changed the rest since."""
    asked: dict[str, dict[str, str]] = {}
    for key, value in form.items():
        name, _dash, engine = key.partition("-")
        text = str(value).strip()
        if name in Counts._fields and text != form.get(f"was-{key}"):
            # An emptied field must not pass as "leave it as it is"; "?" is refused as no number.
            asked.setdefault(engine, {})[name] = text or "?"
    return {engine: Counts(**fields) for engine, fields in asked.items()}
