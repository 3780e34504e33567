"""The engines in the admin, whose list and first page lead to the fleet."""

from __future__ import annotations

from django.contrib import admin

from web.engines.admin import EngineAdmin
from web.engines.models import Engine

admin.site.index_template = "admin/fleet_index.html"


@admin.register(Engine)
class FleetAdmin(EngineAdmin):
    change_list_template = "admin/engines/engine/change_list.html"
