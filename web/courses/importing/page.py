"""A teacher's page: a package is chosen, what it would change is shown, and it is imported."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from web.courses.importing import reading, writing
from web.courses.importing.package import ARCHIVE_BYTES, uploaded
from web.courses.importing.remarks import BadPackage
from web.courses.importing.writing import Change
from web.courses.models import Course


class UploadForm(forms.Form):
    """changes: what an import did or would do; empty before it was asked."""

    file = forms.FileField(
        label=_("Package"),
        help_text=_(
            "A zip of Kattis problems (2025-09), of Exercism's Python track or of our TOML files; "
            "or a .csv or .toml file."
        ),
    )
    dry = forms.BooleanField(label=_("Only show what would change"), required=False, initial=True)

    def __init__(self, course: Course, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = course
        self.changes: list[Change] = []

    @property
    def imported(self) -> bool:
        return self.is_valid() and not self.cleaned_data["dry"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        file = data.get("file")
        if isinstance(file, UploadedFile):
            size = file.size or 0
            try:
                # A file that is too big is on the disk, and is not read from there.
                content = file.read() if size <= ARCHIVE_BYTES else b""
                found = reading.read(uploaded(file.name or "", size, content))
                self.changes = writing.write(found, self.course, dry=data["dry"])
            except BadPackage as error:
                self.add_error("file", str(error))
        return data
