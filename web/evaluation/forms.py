"""What a person fills in: which model is evaluated on what, and the licence that it gets."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from web.engines import licences, roster
from web.engines.grants import LevelsField
from web.engines.models import AIModelConfig, Engine, Licence, Mode
from web.evaluation import sets
from web.evaluation.models import Evaluation
from web.evaluation.sets import BadSet, EvaluationSet
from web.evaluation.targets import proposal
from web.people.models import User
from web.tutor.gate import judge
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS
from web.tutor.writing import versions

FILE_BYTES = 20_000_000
MOST_DAYS = 90
SHIPPED, LATELY, FILE = "shipped", "lately", "file"


class EvaluateForm(forms.Form):
    """After it is valid it has engine_row and chosen, the set."""

    engine = forms.ChoiceField(label=gettext_lazy("engine"))
    prompts = forms.ChoiceField(label=gettext_lazy("prompts"), required=False)
    of = forms.ChoiceField(
        label=gettext_lazy("set"),
        initial=SHIPPED,
        choices=[
            (SHIPPED, gettext_lazy("70 programs that come with Hintline")),
            (LATELY, gettext_lazy("requests of the last days, of courses that allow it")),
            (FILE, gettext_lazy("a file of one's own")),
        ],
    )
    days = forms.IntegerField(
        label=gettext_lazy("days"), initial=7, min_value=1, max_value=MOST_DAYS, required=False
    )
    file = forms.FileField(
        label=gettext_lazy("file"),
        required=False,
        help_text=gettext_lazy("A line of JSON for each program; the README tells its keys."),
        validators=[FileExtensionValidator(["jsonl", "json", "txt"])],
    )
    agreed = forms.BooleanField(
        label=gettext_lazy("These texts may go to a server of another kind than they came from."),
        required=False,
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        config = AIModelConfig.current()
        self.rows = {each.name: each for each in roster.in_use(config)}
        field = self.fields["engine"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (name, f"{name} · {roster.known_as(row, config)}") for name, row in self.rows.items()
        ]
        field = self.fields["prompts"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("those in use")), *((name, name) for name in versions.names())]
        self.chosen: EvaluationSet | None = None

    @property
    def engine_row(self) -> Engine:
        return self.rows[self.cleaned_data["engine"]]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        # A set is read only for an engine that there is.
        if self.errors:
            return data
        try:
            self.chosen = self.set_of(data)
        except BadSet as error:
            raise ValidationError(str(error)) from None
        if self.chosen.is_new_to(self.engine_row.kind) and not data["agreed"]:
            to = {
                "engine": self.engine_row.name,
                "kind": Mode(self.engine_row.kind).label,
            }
            unseen = _(
                "Texts of this set would go to %(engine)s (%(kind)s), which has not seen them."
            )
            self.add_error("agreed", unseen % to)
        return data

    def set_of(self, data: dict[str, Any]) -> EvaluationSet:
        """Raises: BadSet, ValidationError."""
        match data["of"]:
            case "lately":
                return sets.lately(data["days"] or 7)
            case "file":
                # Bounded before it is read: a line is bounded by who reads it.
                if not data["file"] or data["file"].size > FILE_BYTES:
                    most = f"{FILE_BYTES:,}"
                    raise ValidationError(
                        _("Choose a file of at most %(most)s bytes.") % {"most": most}
                    )
                return sets.from_file(data["file"].name, data["file"].file)
        return sets.shipped()


class GrantForm(forms.Form):
    """The licence, as the figures speak for it; a person may decide otherwise."""

    judges_to = forms.IntegerField(
        label=gettext_lazy("judges hints up to level"), min_value=0, max_value=judge.HIGHEST
    )
    judge_threshold = forms.FloatField(
        label=gettext_lazy("judge's threshold"), required=False, min_value=0, max_value=1
    )
    diagnoses = forms.BooleanField(label=gettext_lazy("finds out what is wrong"), required=False)
    levels = LevelsField(
        label=gettext_lazy("levels that it writes"),
        required=False,
        # Every level may be granted by hand, also one that was not measured.
        choices=[
            (f"{locale}:{level}", f"{language.name} {level}")
            for locale, language in LANGUAGES.items()
            for level in LEVELS
        ],
    )
    note = forms.CharField(label=gettext_lazy("note"), required=False, max_length=500)

    def __init__(self, row: Evaluation, data: Any = None) -> None:
        self.row = row
        found = proposal(row.figures)
        initial = {
            "judges_to": found.judges_to,
            "judge_threshold": found.judge_threshold,
            "diagnoses": found.diagnoses,
            "levels": found.levels,
        }
        super().__init__(data, initial=initial)

    def grant(self, by: User) -> Licence:
        """Raises: ValidationError."""
        data = self.cleaned_data
        return licences.grant(
            self.row.model,
            levels=data["levels"],
            judges_to=data["judges_to"],
            judge_threshold=data["judge_threshold"],
            diagnoses=data["diagnoses"],
            by=by,
            evaluation=str(self.row.pk),
            note=data["note"],
            version=self.row.template_version,
        )
