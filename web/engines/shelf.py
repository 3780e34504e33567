"""The page of models: which one fits a GPU."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from web.engines import fits
from web.engines.models import AIModelConfig
from web.people import access


class Shelf:
    """The views, which stand below those of the AI mode."""

    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        view = self.site.admin_view
        return [path("models/", view(self.page), name="engines_aimodelconfig_models")]

    def page(self, request: HttpRequest) -> HttpResponse:
        access.require(access.sees_engines, request.user)
        typed = request.GET.get("memory", "")
        memory = fits.memory(typed)
        context = self.site.each_context(request) | {
            "title": _("Models"),
            "opts": AIModelConfig._meta,
            "typed": typed,
            "memory": memory,
            "bands": fits.bands(memory),
            "older": fits.OLDER,
            "may_add": request.user.has_perm("engines.add_engine"),
        }
        return TemplateResponse(request, "admin/engines/aimodelconfig/models.html", context)
