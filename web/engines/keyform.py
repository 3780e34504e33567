"""The form of a row with an API key, which is written and never read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import ModelForm
from django.utils.translation import gettext_lazy as _


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

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        typed = data.get("api_key") or self.instance.api_key or ""
        data["api_key"] = "" if data.get("forget_key") else typed
        return data
