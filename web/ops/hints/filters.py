"""What a list of hints is filtered by: the part of its address after the question mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlencode
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broker.contract.hint import Reason
from web.courses.models import Exercise, level_choices
from web.hints.models import Attempt, Hint, ModelCall
from web.ops.hints.bounded import within
from web.ops.hints.models import QUERY_CHARS
from web.people.models import User
from web.tutor.languages import LANGUAGES

MOST_STUDENTS, MOST_ERRORS = 300, 1000
SEARCH_S = 0.15
DAY_S = 86_400
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
ANY = ("", _("any"))
SHOWN = (
    "id", "created_at", "first_piece_at", "finished_at", "level", "locale", "state", "source",
    "reason", "engine", "attempt", "prompt_tokens", "completion_tokens", "helpful",
    "student__username", "exercise__slug", "exercise__course__slug",
)  # fmt: skip
"""Of the list. A hint's texts are long, and to read them takes longer than to find the hint."""


def suggested(name: str) -> forms.TextInput:
    """A field with the words of the datalist of this name."""
    return forms.TextInput(attrs={"list": f"known-{name}", "autocomplete": "off"})


def moment() -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    # Of a year near the ends of the calendar no database makes a time of its own zone.
    within = [MinValueValidator(FIRST), MaxValueValidator(LAST)]
    return forms.DateTimeField(required=False, widget=widget, validators=within)


class HintFilter(forms.Form):
    """The fields in the order of the page; empty ones let everything through."""

    q = forms.CharField(required=False, max_length=100, label=_("search"))
    state = forms.ChoiceField(required=False, label=_("state"))
    source = forms.ChoiceField(required=False, label=_("source"))
    reason = forms.ChoiceField(required=False, label=_("reason"))
    level = forms.ChoiceField(required=False, label=_("level"))
    locale = forms.ChoiceField(required=False, label=_("language"))
    course = forms.SlugField(required=False, label=_("course"), widget=suggested("course"))
    exercise = forms.SlugField(required=False, label=_("exercise"), widget=suggested("exercise"))
    student = forms.CharField(
        required=False, max_length=150, label=_("student begins with"), widget=suggested("student")
    )
    engine = forms.CharField(
        required=False, max_length=50, label=_("engine"), widget=suggested("engine")
    )
    model = forms.CharField(
        required=False, max_length=200, label=_("model name"), widget=suggested("model")
    )
    verdict = forms.CharField(
        required=False, max_length=20, label=_("rule or verdict"), widget=suggested("verdict")
    )
    since = moment()
    until = moment()
    slower = forms.FloatField(
        required=False, min_value=0, max_value=DAY_S, label=_("first words later than, s")
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        # Choices in the reader's language are made for each reader.
        self.fields["since"].label, self.fields["until"].label = _("asked from"), _("asked until")
        choices: dict[str, Iterable[Any]] = {
            "state": Hint.State.choices,
            "source": Hint.Source.choices,
            "reason": [(each, each) for each in Reason],
            "level": level_choices(),
            "locale": [(code, language.name) for code, language in LANGUAGES.items()],
        }
        for name, known in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *known]


class Chip(NamedTuple):
    """A filter that is set. without: the query of the list without it."""

    label: str
    value: str
    without: str


class StateLink(NamedTuple):
    value: str
    label: str
    query: str
    chosen: bool


class Filters:
    """Those of one address. query: they alone, in the order of the form, without the page.

    told: what is wrong with the address, sentence by sentence.
    """

    def __init__(self, data: QueryDict) -> None:
        self.form = HintFilter(data)
        self.told = [
            f"{self.form.fields[name].label}: {text}"
            for name, texts in self.form.errors.items()
            for text in texts
        ]
        self.given = {name: str(data[name]) for name in self.form.fields if data.get(name)}
        self.query = urlencode(self.given)
        if len(self.query) > QUERY_CHARS:
            self.told.append(gettext("The address is too long."))

    @property
    def readable(self) -> str:
        """The query, for people."""
        return unquote_plus(self.query)

    @property
    def values(self) -> Mapping[str, Any]:
        """By the name of the field; without those that let everything through."""
        found = self.form.cleaned_data
        return {name: found[name] for name in found if found[name] not in ("", None)}

    def chips(self) -> list[Chip]:
        return [
            Chip(str(self.form.fields[name].label), self._shown(name, value), self.but(name, ""))
            for name, value in self.given.items()
        ]

    def but(self, name: str, value: str) -> str:
        """The query with another value of this field; empty: without it."""
        others = self.given | {name: value}
        return urlencode({key: each for key, each in others.items() if each})

    def states(self) -> list[StateLink]:
        """Each state, and first all of them, as links that leave the other filters as they are."""
        chosen = self.given.get("state", "")
        every = [("", _("all")), *Hint.State.choices]
        return [
            StateLink(value, str(label), self.but("state", value), value == chosen)
            for value, label in every
        ]

    @property
    def opened(self) -> bool:
        """Whether a field is set that the page would else fold away."""
        return bool(set(self.given) - {"q", "state"})

    def folded(self) -> list[forms.BoundField]:
        return [field for field in self.form if field.name not in ("q", "state")]

    def _shown(self, name: str, value: str) -> str:
        choices = getattr(self.form.fields[name], "choices", ())
        known = {str(key): str(label) for key, label in choices}
        return known.get(value, value.replace("T", " ") if name in ("since", "until") else value)

    def rows(self) -> QuerySet[Hint]:
        """The hints that match, in no order. Raises: OutOfTime, from a search for a word."""
        # Whoever mistypes a filter must not act on more than was meant.
        if self.told:
            return Hint.objects.none()
        rows, values = Hint.objects.all(), self.values
        for name, condition in PLAIN.items():
            if name in values:
                rows = rows.filter(**{condition: values[name]})
        if {"course", "exercise"} & set(values):
            rows = rows.filter(exercise__in=exercises(values))
        if {"model", "verdict"} & set(values):
            rows = rows.filter(called(values))
        if "slower" in values:
            late = F("created_at") + timedelta(seconds=values["slower"])
            rows = rows.filter(first_piece_at__gt=late)
        if "student" in values:
            rows = rows.filter(of_students(values["student"]))
        if "q" in values:
            rows = rows.filter(searched(values["q"]))
        return rows


PLAIN = {
    "state": "state", "source": "source", "reason": "reason", "level": "level", "locale": "locale",
    "engine": "engine", "since": "created_at__gte", "until": "created_at__lte",
}  # fmt: skip
"""From a field to the condition on the hint's own columns."""


def listed(rows: QuerySet[Hint]) -> QuerySet[Hint]:
    """With all that the list shows, and no more."""
    return rows.select_related("student", "exercise__course").only(*SHOWN)


def exercises(values: Mapping[str, Any]) -> list[int]:
    """Their ids, of each of which the database knows how many hints there are."""
    rows = Exercise.objects.all()
    if "course" in values:
        rows = rows.filter(course__slug=values["course"])
    if "exercise" in values:
        rows = rows.filter(slug=values["exercise"])
    return [*rows.values_list("pk", flat=True)]


def called(values: Mapping[str, Any]) -> Q:
    """That one call to a model has all of this."""
    calls = {name: values[name] for name in ("model", "verdict") if name in values}
    return Q(Exists(ModelCall.objects.filter(attempt__hint=OuterRef("pk"), **calls)))


def of_students(prefix: str) -> Q:
    # Ids of a few students let the database choose their index, which a join does not.
    rows = User.objects.filter(username__startswith=prefix)
    found = [*rows.values_list("pk", flat=True)[: MOST_STUDENTS + 1]]
    return Q(student__in=found if len(found) <= MOST_STUDENTS else rows)


def searched(word: str) -> Q:
    """The hint of this id; else those of a student of this name, and those with it in an error."""
    try:
        return Q(pk=UUID(word))
    except ValueError:
        pass
    # This condition is that of an index, which holds those attempts alone.
    errors = Attempt.objects.exclude(error="").filter(error__icontains=word)
    with within(SEARCH_S):
        found = [*errors.order_by("-started_at").values_list("hint", flat=True)[: MOST_ERRORS + 1]]
    # Of a few the database looks up each; of many it is quicker to ask each hint.
    of_error = Q(pk__in=found)
    if len(found) > MOST_ERRORS:
        of_error = Q(Exists(errors.filter(hint=OuterRef("pk"))))
    return Q(student__in=[*User.objects.filter(username=word)]) | of_error
