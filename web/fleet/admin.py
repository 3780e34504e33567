"""The engines in the admin, together with the fleet's pages."""

from __future__ import annotations

from django.contrib import admin

from web.engines.admin import EngineAdmin
from web.engines.models import Engine
from web.fleet.page import FleetPage

admin.site.index_template = "admin/fleet_index.html"


@admin.register(Engine)
class FleetAdmin(EngineAdmin, FleetPage):
    """One page to edit an engine, one to run them all."""
