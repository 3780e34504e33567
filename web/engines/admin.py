"""The AI mode and the engines in the admin: edit, and test the connection."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from web.engines import roster
from web.engines.keys import Unreadable, UnreadableKey
from web.engines.models import AIModelConfig, Engine, ModeChange
from web.engines.page import FleetPage

admin.site.index_template = "admin/fleet_index.html"


class KeyForm(ModelForm):  # type: ignore[type-arg]  # also used for two models
    """A stored key is never sent back: an empty field keeps it, the box removes it."""

    api_key = forms.CharField(
        label=_("API key"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        max_length=500,
        help_text=_("Stored encrypted and never shown again. Leave empty to keep it."),
    )
    forget_key = forms.BooleanField(label=_("Forget the stored key"), required=False)

    def clean_api_key(self) -> str:
        return self.cleaned_data["api_key"] or self.instance.api_key or ""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("forget_key"):
            data["api_key"] = ""
        return data


def report(request: HttpRequest, engine: Engine) -> None:
    """Tests the connection and tells the person what came of it."""
    # It loads the openai client, which would take a second of every start of the web.
    from web.engines import connection

    try:
        endpoint = roster.endpoint_of(engine, AIModelConfig.current())
    except UnreadableKey as error:
        messages.error(request, str(error))
        return
    found = connection.check(endpoint)
    level = messages.SUCCESS if found.ok else messages.ERROR
    took = f" ({found.took_ms} ms)" if found.ok else ""
    messages.add_message(request, level, f"{found.message} {engine.name}: {found.detail}{took}")


class LostKeys(admin.ModelAdmin):  # type: ignore[type-arg]  # also used for two models
    """Each of its pages names the rows whose API key cannot be read."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.warn(request)
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        self.warn(request)
        return super().render_change_form(request, *args, **more)

    def warn(self, request: HttpRequest) -> None:
        for trouble in roster.unreadable(list(Engine.objects.all()), AIModelConfig.current()):
            messages.error(request, trouble)


@admin.register(Engine)
class EngineAdmin(LostKeys, FleetPage):
    form = KeyForm
    list_display = (
        "name", "kind", "url", "model_name", "slots", "workers", "enabled", "draining", "has_key"
    )  # fmt: skip
    list_filter = ("kind", "enabled", "draining")
    actions = ("test_connection",)

    @admin.display(boolean=True, description=_("key"))
    def has_key(self, engine: Engine) -> bool | None:
        return None if isinstance(engine.api_key, Unreadable) else bool(engine.api_key)

    @admin.action(description=_("Test the connection"), permissions=["view"])
    def test_connection(self, request: HttpRequest, engines: QuerySet[Engine]) -> None:
        for engine in engines:
            report(request, engine)


@admin.register(AIModelConfig)
class AIModelConfigAdmin(LostKeys):
    form = KeyForm
    change_form_template = "admin/engines/aimodelconfig/change_form.html"
    readonly_fields = ("key_state", "changed_at")
    fieldsets = (
        (None, {"fields": ("mode", "model_name", "changed_at")}),
        (_("Servers"), {"fields": ("api_url", "vllm_url", "key_state", "api_key", "forget_key")}),
        (_("Sampling"), {"fields": ("max_tokens", "temperature", "top_p")}),
        (_("Timeouts"), {"fields": ("connect_s", "first_chunk_s", "idle_s", "deadline_s")}),
    )

    @admin.display(description=_("stored key"))
    def key_state(self, config: AIModelConfig) -> str:
        if isinstance(config.api_key, Unreadable):
            return str(_("it cannot be read"))
        return str(_("there is one")) if config.api_key else str(_("none"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:engines_aimodelconfig_change", args=[AIModelConfig.current().pk])
        )

    def save_model(
        self, request: HttpRequest, obj: AIModelConfig, form: ModelForm[AIModelConfig], change: bool
    ) -> None:
        before = AIModelConfig.current().mode
        super().save_model(request, obj, form, change)
        if before != obj.mode:
            assert isinstance(request.user, User)
            ModeChange.objects.create(by=request.user, before=before, after=obj.mode)
        self.warn_without_engine(request, obj)

    def warn_without_engine(self, request: HttpRequest, config: AIModelConfig) -> None:
        if not roster.active():
            text = _("No engine of this mode is enabled: hints will come from their authors.")
            messages.warning(request, text)

    def get_urls(self) -> list[URLPattern]:
        test = path(
            "test/", self.admin_site.admin_view(self.test_view), name="engines_aimodelconfig_test"
        )
        return [test, *super().get_urls()]

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Tests every enabled engine of the mode that is stored now."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        config = AIModelConfig.current()
        if request.method == "POST":
            engines = Engine.objects.filter(kind=config.mode, enabled=True)
            for engine in engines:
                report(request, engine)
            if not engines:
                self.warn_without_engine(request, config)
        return HttpResponseRedirect(reverse("admin:engines_aimodelconfig_change", args=[config.pk]))


@admin.register(ModeChange)
class ModeChangeAdmin(admin.ModelAdmin[ModeChange]):
    list_display = ("at", "by", "before", "after")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
