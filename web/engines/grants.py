"""Licences in the admin: what each model may do, and how an admin grants it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from web.engines import findings, licences
from web.engines.models import Licence
from web.language import words_now
from web.people.models import User
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS


def choices() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each level of each language, by the language's name: `ko:1`, `1 · Notice`."""
    for language in LANGUAGES:
        name = str(get_language_info(language)["name_translated"])
        yield (
            name,
            [
                (f"{language}:{number}", f"{number} · {words_now(level.label)}")
                for number, level in LEVELS.items()
            ],
        )


class LevelsField(forms.MultipleChoiceField):
    """The column `levels` as boxes to tick; choices as `choices` names them: `ko:1`."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return [f"{language}:{level}" for language, levels in value.items() for level in levels]

    def clean(self, value: Any) -> Any:
        ticked = [each.split(":") for each in super().clean(value)]
        return {
            language: sorted(int(level) for where, level in ticked if where == language)
            for language in LANGUAGES
        }

    def has_changed(self, initial: Any, data: Any) -> bool:
        return {*self.prepare_value(initial or {})} != {*(data or ())}


class LicenceForm(forms.ModelForm[Licence]):
    levels = LevelsField(label=_("Levels that it writes"), required=False, choices=choices)
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Why you grant this, for those who read it later."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.instance.pk and licences.of(data.get("model", "")):
            raise ValidationError({"model": _("This model has a licence: change that one.")})
        return data


class LicenceAdmin(admin.ModelAdmin[Licence]):
    """A licence that somebody changes here is theirs from then on, and no evaluation's."""

    form = LicenceForm
    list_display = ("model", "allowed", "origin", "counts", "granted_at")
    search_fields = ("model", "note")
    readonly_fields = ("origin", "template_version", "counts", "granted_at")
    fields = (
        "model",
        "levels",
        "judges_to",
        "judge_threshold",
        "diagnoses",
        "note",
        *readonly_fields,
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Another model would have to be evaluated of its own.
        return ("model", *self.readonly_fields) if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Licence, form: Any, change: bool) -> None:
        # A better note makes no other licence of it.
        if {*form.changed_data} - {"note"}:
            assert isinstance(request.user, User)
            obj.granted_by, obj.evaluation = request.user, ""
        if not change:
            obj.template_version = licences.template_version()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("it may"))
    def allowed(self, licence: Licence) -> str:
        return findings.allowed_words(licence)

    @admin.display(description=_("granted by"))
    def origin(self, licence: Licence) -> str:
        return findings.origin_words(licence) if licence.pk else "–"

    @admin.display(boolean=True, description=_("counts"))
    def counts(self, licence: Licence) -> bool:
        """Not with templates of before."""
        return not licence.pk or licence.template_version == licences.template_version()
