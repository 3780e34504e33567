"""The part of a list's address after the question mark: its filters, and links with others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, NamedTuple
from urllib.parse import unquote_plus, urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from web.ops.lists.walk import Row

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
ANY = ("", _("any"))
QUERY_CHARS = 1000


def suggested(name: str) -> forms.TextInput:
    """A field with the words of the datalist of this name."""
    return forms.TextInput(attrs={"list": f"known-{name}", "autocomplete": "off"})


def moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    # Of a year near the ends of the calendar no database makes a time of its own zone.
    within = [MinValueValidator(FIRST), MaxValueValidator(LAST)]
    return forms.DateTimeField(required=False, label=label, widget=widget, validators=within)


class Chip(NamedTuple):
    """A filter that is set. without: the query of the list without it."""

    label: str
    value: str
    without: str


class ValueLink(NamedTuple):
    label: str
    query: str
    chosen: bool


class Address(ABC, Generic[Row]):
    """The filters of one address. query: they alone, in the order of the form, without the page.

    find: the field of the search, if the list has one. quick: a field with a link for each of its
    values. plain: from a field to the condition on the row's own columns. told: what is wrong with
    the address, sentence by sentence.
    """

    form_class: ClassVar[type[forms.Form]]
    find: ClassVar[str] = ""
    quick: ClassVar[str]
    plain: ClassVar[Mapping[str, str]]

    def __init__(self, data: QueryDict) -> None:
        self.form = self.form_class(data)
        self.told = [
            f"{self.form.fields[name].label}: {text}"
            for name, texts in self.form.errors.items()
            for text in texts
        ]
        self.given = {name: str(data[name]) for name in self.form.fields if data.get(name)}
        self.query = urlencode(self.given)
        if len(self.query) > QUERY_CHARS:
            self.told.append(gettext("The address is too long."))

    @abstractmethod
    def every(self) -> QuerySet[Row]:
        """Each row that there is."""

    def narrowed(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """By what is more than a plain condition."""
        return rows

    def rows(self) -> QuerySet[Row]:
        """Those that match, in no order. Raises: OutOfTime, from a search for a word."""
        # Whoever mistypes a filter must not act on more than was meant.
        if self.told:
            return self.every().none()
        values = self.values
        plain = {self.plain[name]: values[name] for name in values if name in self.plain}
        return self.narrowed(self.every().filter(**plain))

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

    @property
    def chosen(self) -> str:
        return self.given.get(self.quick, "")

    def links(self) -> list[ValueLink]:
        """Each value, and first all of them, as links that leave the other filters as they are."""
        labels = self._choices(self.quick) | {"": gettext("all")}
        return [
            ValueLink(label, self.but(self.quick, value), value == self.chosen)
            for value, label in labels.items()
        ]

    @property
    def opened(self) -> bool:
        """Whether a field is set that the page would else fold away."""
        return bool(set(self.given) - {self.find, self.quick})

    def folded(self) -> list[forms.BoundField]:
        return [field for field in self.form if field.name not in (self.find, self.quick)]

    def _choices(self, name: str) -> dict[str, str]:
        choices = getattr(self.form.fields[name], "choices", ())
        return {str(value): str(label) for value, label in choices}

    def _shown(self, name: str, value: str) -> str:
        typed = value.replace("T", " ") if name in ("since", "until") else value
        return self._choices(name).get(value, typed)
