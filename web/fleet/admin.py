"""The engines in the admin: a page to edit one, and the fleet's, which runs them all.

The fleet's is a table that keeps itself fresh, with counts and drain to change.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from web.engines.admin import EngineAdmin
from web.engines.models import Engine
from web.fleet import changes
from web.fleet.changes import Counts
from web.fleet.overview import Row, overview
from web.people import access
from web.people.models import User

FIELDS = (("workers", "workers"), ("slots", "worker_slots"))


admin.site.index_template = "admin/fleet_index.html"


@admin.register(Engine)
class FleetAdmin(EngineAdmin):
    """Who may only view the engines sees the fleet without controls."""

    change_list_template = "admin/engines/engine/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("fleet/", view(self.fleet_view), name="engines_engine_fleet"),
            path("fleet/now/", view(self.fleet_now), name="engines_engine_fleet_now"),
            *super().get_urls(),
        ]

    def fleet_now(self, request: HttpRequest) -> HttpResponse:
        """As Overview.as_json."""
        access.require(access.sees_engines, request.user)
        return JsonResponse(overview().as_json())

    def fleet_view(self, request: HttpRequest) -> HttpResponse:
        access.require(access.sees_engines, request.user)
        problems = []
        if request.method == "POST":
            access.require(access.changes_engines, request.user)
            problems = carried_out(request)
            if not problems:
                if warning := changes.idle_mode():
                    messages.warning(request, warning)
                return redirect("admin:engines_engine_fleet")
        now = overview()
        context = self.admin_site.each_context(request) | {
            "title": _("Fleet"),
            "opts": self.opts,
            "fleet": now,
            # What a person typed stays in the fields.
            "rows": [line(row, request.POST) for row in now.rows],
            "limits": {name: changes.limits(field) for name, field in FIELDS},
            "may_change": access.changes_engines(request.user),
            "problems": problems,
        }
        return TemplateResponse(request, "admin/engines/engine/fleet.html", context)


def line(row: Row, typed: QueryDict) -> dict[str, Any]:
    """One engine for the template. inputs: name, stored value and shown value of each field."""
    inputs = {}
    for name, field in FIELDS:
        stored = str(getattr(row.engine, field))
        inputs[name] = {"stored": stored, "shown": typed.get(f"{name}-{row.engine.name}", stored)}
    return {"engine": row.engine, "cells": row.cells(), "tone": row.state.value, "inputs": inputs}


def carried_out(request: HttpRequest) -> list[str]:
    """Does what the pressed button says; answers what is wrong."""
    assert isinstance(request.user, User)
    if engine := request.POST.get("drain"):
        problems, done = changes.drain(request.user, [engine]), _("Draining: %(engine)s.")
    elif engine := request.POST.get("resume"):
        problems, done = changes.resume(request.user, [engine]), _("Resumed: %(engine)s.")
    else:
        asked = changed(request.POST)
        problems, done = changes.scale(request.user, asked), _("Saved: %(engine)s.")
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
