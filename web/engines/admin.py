"""The AI mode and the engines in the admin: edit, and test the connection."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from web.engines import findings, history, licences, parameters, presets, roster
from web.engines.grants import LicenceAdmin
from web.engines.keyform import KeyForm
from web.engines.keys import Unreadable
from web.engines.kinds import KINDS
from web.engines.models import AIModelConfig, Engine, Licence, Mode, ModeChange
from web.engines.shelf import Shelf
from web.people import access
from web.people.models import User

WRITTEN = frozenset({"api_key", "forget_key", "forget_dialect"})
"""Fields that are never shown, only filled in."""


class ParametersField(forms.JSONField):
    """A JSON object of parameters. Django's own field reads a text of any length and depth."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        return parameters.parse(value) if isinstance(value, str) else value or {}

    def bound_data(self, data: Any, initial: Any) -> Any:
        # A form with errors shows what the person typed, also where that is no JSON.
        return data

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else parameters.written(value or {})


class EngineForm(KeyForm):
    forget_dialect = forms.BooleanField(label=_("Forget what was learned"), required=False)

    class Meta:
        field_classes = {"extra_body": ParametersField}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("forget_dialect"):
            self.instance.dialect = {}
        return data


def known(engine: Engine, button: str | SafeString = "") -> SafeString:
    """What is known of an engine's model; preset.js keeps it in step with what is typed."""
    preset = roster.preset_of(engine, AIModelConfig.current())
    return format_html(
        '<span id="known" data-url="{}" role="status">{}</span> {}',
        reverse("admin:engines_engine_preset"),
        presets.words(preset),
        button,
    )


def licences_of(engines: list[Engine], warning: str = "") -> SafeString:
    """What the model of each may do, with the ways to evaluate it and to grant it more by hand."""
    config = AIModelConfig.current()
    found = []
    for engine in engines:
        model = roster.known_as(engine, config)
        licence = licences.of(model)
        found.append(
            {
                "engine": engine,
                "model": model,
                "licence": licence,
                "words": findings.licence_words(model, licence),
                "minutes": findings.evaluation_minutes(engine),
            }
        )
    return render_to_string("admin/engines/licences.html", {"found": found, "warning": warning})


class ServersAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # also used for two models
    """Tells the dispatcher at once of what its pages save or delete.

    Names on each of them the rows whose API key cannot be read; none shows a key.
    """

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        roster.push()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        roster.push()

    # The action that deletes chosen rows passes delete_model by.
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        roster.push()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without WRITTEN for whoever may only view: Django would show the key itself as text."""
        fieldsets = super().get_fieldsets(request, obj)
        adds = obj is None and self.has_add_permission(request)
        if adds or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**more, "fields": [name for name in more["fields"] if name not in WRITTEN]})
            for title, more in fieldsets
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.warn(request)
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        self.warn(request)
        return super().render_change_form(request, *args, **more)

    def warn(self, request: HttpRequest) -> None:
        for trouble in roster.unreadable(list(Engine.objects.all()), AIModelConfig.current()):
            messages.error(request, trouble)

    @admin.display(description=_("stored key"))
    def key_state(self, row: AIModelConfig | Engine) -> str:
        if isinstance(row.api_key, Unreadable):
            return str(_("it cannot be read"))
        return str(_("there is one")) if row.api_key else str(_("none"))


SAVED_TO_TEST = "engine_saved_to_test"
"""In the session: the engine whose test a save has asked for, and no link of somebody else's."""


class EngineAdmin(ServersAdmin):
    """Registered with the fleet's pages, by web.fleet.admin."""

    form = EngineForm
    change_form_template = "admin/engines/engine/change_form.html"
    readonly_fields = ("key_state", "known_of_model", "licensed", "learned")
    fieldsets = (
        (_("Server"), {"fields": (
            "name", "kind", "url", "key_state", "api_key", "forget_key", "enabled",
        )}),
        (_("Model"), {"fields": ("model_name", "known_of_model", "licensed", "languages")}),
        (_("Thinking and parameters"), {"fields": (
            "thinking", "reasoning_tokens", "extra_body", "learned", "forget_dialect",
        )}),
        (_("Workers"), {"fields": ("slots", "workers", "worker_slots", "draining")}),
    )  # fmt: skip
    list_display = (
        "name", "kind", "url", "model_name", "slots", "workers", "enabled", "draining", "has_key"
    )  # fmt: skip
    list_filter = ("kind", "enabled", "draining")
    actions = ("test_connection",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            # Before Django's own patterns, the last of which takes any path for the id of a row.
            path("preset/", view(self.preset_view), name="engines_engine_preset"),
            path("<int:pk>/test/", view(self.test_view), name="engines_engine_test"),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        access.require(access.changes_engines, request.user)
        engine = get_object_or_404(Engine, pk=pk)
        if request.method == "POST" or request.session.pop(SAVED_TO_TEST, None) == pk:
            return findings.tested(request, [engine])
        return redirect("admin:engines_engine_change", pk)

    def response_add(
        self, request: HttpRequest, obj: Engine, post_url_continue: str | None = None
    ) -> HttpResponse:
        answer = super().response_add(request, obj, post_url_continue)
        return self.to_test(request, obj) or answer

    def response_change(self, request: HttpRequest, obj: Engine) -> HttpResponse:
        answer = super().response_change(request, obj)
        return self.to_test(request, obj) or answer

    def to_test(self, request: HttpRequest, engine: Engine) -> HttpResponse | None:
        """On the way to the test of what was saved, if the button for that was pressed."""
        if "_test" not in request.POST or not access.changes_engines(request.user):
            return None
        # The test waits for the server; while it is saved, the database is locked.
        request.session[SAVED_TO_TEST] = engine.pk
        return redirect("admin:engines_engine_test", engine.pk)

    def preset_view(self, request: HttpRequest) -> HttpResponse:
        """JSON: words, for people; fields, values by the name of the form's field, None if unknown.

        The query has the kind, url and model_name of an engine as they stand in the form.
        """
        access.require(access.sees_engines, request.user)
        typed = {name: request.GET.get(name, "") for name in ("kind", "url", "model_name")}
        typed["kind"] = typed["kind"] if typed["kind"] in KINDS else Mode.API
        # This row is never saved, so what was typed so far need not be valid.
        found = roster.preset_of(Engine(**typed), AIModelConfig.current())
        fields = found and {
            "thinking": found.thinking,
            "reasoning_tokens": str(found.reasoning_tokens),
            "extra_body": parameters.written(found.extra_body),
        }
        return JsonResponse({"words": presets.words(found), "fields": fields})

    @admin.display(description=_("known of the model"))
    def known_of_model(self, engine: Engine) -> SafeString:
        text = _("Write it into the fields")
        button = '<button type="button" class="button" id="use-known" hidden>{}</button>'
        # The form of a new engine has none yet.
        return known(engine if engine.kind else Engine(kind=Mode.API), format_html(button, text))

    @admin.display(description=_("licence"))
    def licensed(self, engine: Engine) -> SafeString:
        return licences_of([engine] if engine.pk else [])

    @admin.display(description=_("learned from refusals"))
    def learned(self, engine: Engine) -> str:
        return findings.dialect_words(roster.dialect_of(engine, AIModelConfig.current()))

    @admin.display(boolean=True, description=_("key"))
    def has_key(self, engine: Engine) -> bool | None:
        return None if isinstance(engine.api_key, Unreadable) else bool(engine.api_key)

    @admin.action(description=_("Test the connection"), permissions=["change"])
    def test_connection(self, request: HttpRequest, engines: QuerySet[Engine]) -> HttpResponse:
        return findings.tested(request, list(engines))


@admin.register(AIModelConfig)
class AIModelConfigAdmin(ServersAdmin):
    form = KeyForm
    change_form_template = "admin/engines/aimodelconfig/change_form.html"
    readonly_fields = ("key_state", "known_of_model", "licensed", "judged_now", "changed_at")
    fieldsets = (
        (None, {"fields": ("mode", "model_name", "known_of_model", "changed_at")}),
        (_("What the models may do"), {"fields": ("licensed",)}),
        (_("Servers"), {"fields": ("api_url", "vllm_url", "key_state", "api_key", "forget_key")}),
        (_("Judge of hints"), {"fields": (
            "judged_by", "judge_engine", "judge_threshold", "judged_now", "diagnoses",
            "runs_ahead",
        )}),
        (_("Sampling"), {"fields": ("max_tokens", "temperature", "top_p")}),
        (_("Timeouts"), {"fields": ("connect_s", "first_chunk_s", "idle_s", "deadline_s")}),
    )  # fmt: skip

    @admin.display(description=_("known of the model"))
    def known_of_model(self, config: AIModelConfig) -> SafeString:
        return known(Engine(kind=Mode.API))

    @admin.display(description=_("licences"))
    def licensed(self, config: AIModelConfig) -> SafeString:
        """Of the model of each engine of the stored mode."""
        return licences_of(roster.in_use(config), findings.why_nobody_writes())

    @admin.display(description=_("as stored now"))
    def judged_now(self, config: AIModelConfig) -> str:
        """Who judges what each engine of the stored mode writes."""
        return findings.judged_words(roster.in_use(config), config)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # There is one row: a list of it would be a page to click through.
        return redirect("admin:engines_aimodelconfig_change", AIModelConfig.current().pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        # Read anew: `obj` already holds what was typed.
        before = AIModelConfig.current()
        super().save_model(request, obj, form, change)
        history.record(request.user, before, obj)
        self.warn_without_engine(request)

    def warn_without_engine(self, request: HttpRequest) -> None:
        if not roster.active():
            text = _("No engine of this mode is enabled: hints come without a model.")
            messages.warning(request, text)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test_view)
        return [
            path("test/", view, name="engines_aimodelconfig_test"),
            *Shelf(self).urls(),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Tests every engine in use."""
        access.require(access.changes_mode, request.user)
        config = AIModelConfig.current()
        if request.method == "POST":
            if engines := roster.in_use(config):
                return findings.tested(request, engines)
            self.warn_without_engine(request)
        return redirect("admin:engines_aimodelconfig_change", config.pk)


admin.site.register(Licence, LicenceAdmin)


@admin.register(ModeChange)
class ModeChangeAdmin(admin.ModelAdmin[ModeChange]):
    list_display = ("at", "by", "before", "after", "in_words")
    date_hierarchy = "at"

    @admin.display(description=_("what was changed"))
    def in_words(self, change: ModeChange) -> str:
        return "; ".join(map(str, history.lines(change)))
