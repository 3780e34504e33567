"""Looks at every part of a set-up, the ground first: what stands on it is looked at afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from django.core.checks import WARNING, run_checks
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from web.ops.doctor import serving, spending, stores
from web.ops.doctor.observation import Observation, Severity, Words, error, fine


@dataclass(frozen=True, slots=True)
class Subsystem:
    """One part of a set-up. name: for programs. title: for people. look: what is there to tell."""

    name: str
    title: Words
    look: Callable[[], Iterable[Observation]]


def checked(tag: str) -> Iterator[Observation]:
    """What `python -m web check --deploy` says of this part."""
    for message in run_checks(tags=[tag], include_deployment_checks=True):
        if not message.is_silenced():
            severity = Severity.ERROR if message.level > WARNING else Severity.WARNING
            hint = _(message.hint) if message.hint else ""
            yield Observation(severity, translated(message.msg), hint)


def translated(text: str) -> str:
    """What a check says, which is English, in the reader's language."""
    # What is particular stands behind a colon: a server's own words, or a value.
    head, colon, rest = text.partition(": ")
    whole = _(text)
    return whole if whole != text or not colon else f"{_(head)}{colon}{rest}"


PARTS = (
    Subsystem("database", gettext_lazy("database"), partial(checked, "database")),
    Subsystem("migrations", gettext_lazy("migrations"), stores.migrations),
    Subsystem("redis", "Redis", partial(checked, "broker")),
    Subsystem("disk", gettext_lazy("disk"), stores.disk),
    Subsystem("clocks", gettext_lazy("clocks"), stores.clocks),
    Subsystem("retention", gettext_lazy("retention"), stores.retained),
    Subsystem("security", gettext_lazy("security"), partial(checked, "security")),
    Subsystem("runner", gettext_lazy("sandbox"), partial(checked, "runner")),
    Subsystem("prompts", gettext_lazy("prompts"), partial(checked, "prompts")),
    Subsystem("nodes", gettext_lazy("nodes"), serving.nodes),
    Subsystem("engines", gettext_lazy("engines"), serving.engines),
    Subsystem("servers", gettext_lazy("model servers"), serving.servers),
    Subsystem("models", gettext_lazy("models"), serving.models),
    Subsystem("licences", gettext_lazy("licences"), serving.licensed),
    Subsystem("budgets", gettext_lazy("budgets"), spending.budgets),
)


def examine() -> Iterator[tuple[Subsystem, Observation]]:
    """One finding of each part at least."""
    for part in PARTS:
        for found in looked_at(part):
            yield part, found


def looked_at(part: Subsystem) -> list[Observation]:
    # Whatever else stands: who has no database wants to hear of the nodes too.
    try:
        return list(part.look()) or [fine(_("fine"))]
    except DatabaseError:
        text = _("It cannot be looked at: the database does not answer, or lacks a table.")
        return [error(text, _("Mend the parts above, and look again."))]
