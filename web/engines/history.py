"""Who changed what of the AI mode: kept field by field, read in words, and a way back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from web.engines.models import AIModelConfig, Engine, ModeChange
from web.people.models import User

FIELDS = (
    "mode", "fallback", "last_fallback", "model_name", "api_url", "vllm_url",
    "max_tokens", "temperature", "top_p",
    "judged_by", "judge_engine", "judge_threshold", "diagnoses", "runs_ahead",
    "connect_s", "first_chunk_s", "idle_s", "deadline_s",
)  # fmt: skip
"""What a person sets, but for the key."""
JUDGE, KEY = "judge_engine", "api_key"
SPELLED = ("vllm_url", "top_p")
"""Whose names begin with a small letter wherever they stand."""


class KeyState(StrEnum):
    """What is kept of a key in place of the key."""

    NONE = "none"
    """No key."""
    STORED = "stored"
    """The one that was stored before."""
    OTHER = "other"
    """A new one in its place."""


class Line(NamedTuple):
    """One field of a change, in words."""

    label: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.label}: {self.old} → {self.new}"


def record(by: User | None, before: AIModelConfig, after: AIModelConfig) -> ModeChange | None:
    """Keeps what differs between the two; None where nothing does. Every save comes through here.

    by: None where a command made the change.
    """
    found = changed(before, after)
    if not found:
        return None
    return ModeChange.objects.create(by=by, before=before.mode, after=after.mode, changed=found)


def changed(before: AIModelConfig, after: AIModelConfig) -> dict[str, list[Any]]:
    """Old and new value by field, as JSON; of the key a KeyState each."""
    olds, news = values(before), values(after)
    found = {name: [olds[name], news[name]] for name in FIELDS if olds[name] != news[name]}
    if (before.api_key or "") != (after.api_key or ""):
        old = KeyState.STORED if before.api_key else KeyState.NONE
        new = KeyState.OTHER if before.api_key else KeyState.STORED
        found[KEY] = [old.value, (new if after.api_key else KeyState.NONE).value]
    return found


def values(config: AIModelConfig) -> dict[str, Any]:
    """What the row holds, as JSON; the judge by its name."""
    found = {name: getattr(config, name) for name in FIELDS}
    judge = config.judge_engine
    return found | {"mode": str(config.mode), JUDGE: judge.name if judge else None}


def lines(change: ModeChange) -> Iterator[Line]:
    """The change in the reader's language."""
    if not change.changed:
        yield in_words("mode", change.before, change.after)
    # In the order of the form, which JSON in PostgreSQL does not keep. A row lives longer than a
    # column, so that it may have others.
    for name in (*FIELDS, KEY):
        if name in change.changed:
            yield in_words(name, *change.changed[name])


def in_words(name: str, old: Any, new: Any) -> Line:
    label = str(column(name).verbose_name)
    return Line(label if name in SPELLED else capfirst(label), said(name, old), said(name, new))


def column(name: str) -> Any:
    return AIModelConfig._meta.get_field(name)


def said(name: str, value: Any) -> str:
    """One value as a person reads it."""
    if name == KEY:
        words = {
            KeyState.NONE: _("none"), KeyState.STORED: _("stored"), KeyState.OTHER: _("another one")
        }  # fmt: skip
        return words[KeyState(value)]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None:
        return _("nobody") if name == JUDGE else _("not sent")
    choices = dict(column(name).flatchoices)
    return str(choices.get(value, value)) or "–"


def values_before(change: ModeChange) -> dict[str, Any]:
    """What the form held before this change; the key stays as it is."""
    found = values(AIModelConfig.current())
    # From the newest on: what later changes have done is undone on the way.
    for each in ModeChange.objects.filter(pk__gte=change.pk).order_by("-pk"):
        olds = {name: old for name, (old, _new) in each.changed.items() if name in FIELDS}
        found |= olds or {"mode": each.before}
    return found | {JUDGE: Engine.objects.filter(name=found[JUDGE]).first()}
