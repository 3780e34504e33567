"""What the list of hints is filtered by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from broker.contract.hint import Reason
from web.courses.models import Exercise, level_choices
from web.hints.models import Attempt, Hint, ModelCall
from web.ops.lists.address import ANY, Address, moment, suggested
from web.ops.lists.bounded import within
from web.people.models import User
from web.tutor.languages import LANGUAGES

MOST_STUDENTS, MOST_ERRORS = 300, 1000
SEARCH_S = 0.15
DAY_S = 86_400
SHOWN = (
    "id", "created_at", "first_piece_at", "finished_at", "level", "locale", "state", "source",
    "reason", "engine", "attempt", "prompt_tokens", "completion_tokens", "helpful",
    "student__username", "exercise__slug", "exercise__course__slug",
)  # fmt: skip
"""Of the list. A hint's texts are long, and to read them takes longer than to find the hint."""


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
    since = moment(_("asked from"))
    until = moment(_("asked until"))
    slower = forms.FloatField(
        required=False, min_value=0, max_value=DAY_S, label=_("first words later than, s")
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        # Choices in the reader's language are made for each reader.
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


class Filters(Address[Hint]):
    """Those of one address of the list of hints."""

    form_class, find, quick = HintFilter, "q", "state"

    plain = {
        "state": "state", "source": "source", "reason": "reason", "level": "level",
        "locale": "locale", "engine": "engine", "since": "created_at__gte",
        "until": "created_at__lte",
    }  # fmt: skip

    def every(self) -> QuerySet[Hint]:
        return Hint.objects.all()

    def narrowed(self, rows: QuerySet[Hint]) -> QuerySet[Hint]:
        """Raises: OutOfTime, from a search for a word."""
        values = self.values
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
