"""Form fields of the engines' admin."""

from __future__ import annotations

from typing import Any

from django import forms

from web.engines import parameters


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
