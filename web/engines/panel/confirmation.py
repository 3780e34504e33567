"""What a save of the AI mode would change, and for whom: read before anything is saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broker import fleet
from web.engines import history, roster
from web.engines.history import KeyState, Line
from web.engines.kinds import KINDS
from web.engines.models import AIModelConfig, Engine, Mode
from web.engines.panel.cards import lacks, writes
from web.engines.panel.form import ModeDraft
from web.link import attempt


class Consequence(NamedTuple):
    """A sentence. tone: warning where somebody should think twice. url, link: to mend it."""

    text: str
    tone: str = "ok"
    url: str = ""
    link: str = ""


def lines(draft: ModeDraft) -> list[Line]:
    """Old and new of each field that changes."""
    return [history.in_words(name, *pair) for name, pair in draft.changed().items()]


def effects(draft: ModeDraft) -> Iterator[Consequence]:
    """What it means for students and for hints that are being written."""
    config, changes = draft.form.instance, draft.changed()
    enabled = roster.in_use(config)
    used = roster.taking(enabled, config)
    taking = [each for each in used if each.kind == config.mode]
    if not used:
        add = f"{reverse('admin:engines_engine_add')}?kind={config.mode}"
        text = _("No engine of this mode is enabled: hints come without a model.")
        yield Consequence(text, "warning", add, _("Add an engine"))
    elif not taking:
        text = _("No engine of this mode is enabled: those that stand in for it write.")
        yield Consequence(text, "warning")
    else:
        yield Consequence(who_takes(taking))
        # An engine may name another model than the form does.
        if not any(writes(roster.known_as(each, config)) for each in taking):
            text = _(
                "No model of these engines may write hints yet: they come without a model until "
                "one is evaluated, or is granted a licence by hand."
            )
            licences = reverse("admin:engines_licence_changelist")
            yield Consequence(text, "warning", licences, _("Licences"))
    # Who stays with a host has agreed before to what it is shown.
    if "mode" in changes:
        yield from of_mode(config)
    for mode in config.order[1:]:
        yield from standing_in(mode, [each for each in used if each.kind == mode], config)
    yield Consequence(in_flight())
    if any(map(draft.moved, enabled)):
        text = _("The stored API key will be sent to the new address.")
        yield Consequence(text, "warning")
    if changes.get(history.KEY, ("", ""))[1] == KeyState.NONE:
        yield Consequence(_("The stored API key is removed; it cannot be shown again."), "warning")


def who_takes(taking: list[Engine]) -> str:
    text = ngettext(
        "From the next hint on, %(count)d engine takes hints: %(names)s (%(slots)d at once).",
        "From the next hint on, %(count)d engines take hints: %(names)s (%(slots)d at once).",
        len(taking),
    )
    names = ", ".join(each.name for each in taking)
    slots = sum(each.slots for each in taking)
    return text % {"count": len(taking), "names": names, "slots": slots}


def of_mode(config: AIModelConfig) -> Iterator[Consequence]:
    """Whom students' programs are shown to from now on."""
    if KINDS[config.mode].hosted:
        text = _("Programs and questions of all students go to %(url)s, without their names.")
        yield Consequence(text % {"url": config.api_url}, "warning")
    elif not any(KINDS[each].hosted for each in config.order):
        yield Consequence(_("Programs and questions of students stay on your own machines."))


def standing_in(mode: str, rows: list[Engine], config: AIModelConfig) -> Iterator[Consequence]:
    """What a fallback would do. rows: its engines that may get hints."""
    label = Mode(mode).label
    if not rows:
        add = f"{reverse('admin:engines_engine_add')}?kind={mode}"
        text = _("%(mode)s: no engine of it is enabled, so that nobody stands in.")
        yield Consequence(text % {"mode": label}, "warning", add, _("Add an engine"))
        return
    names = ", ".join(each.name for each in rows)
    text = _(
        "%(mode)s: while none of those before it is up, hints come from %(names)s, and so do hints "
        "on which each of those failed. Its workers run all the time."
    )
    yield Consequence(text % {"mode": label, "names": names})
    for lack in lacks(mode, rows, rows, config):
        yield Consequence(lack.why, "warning")
    if KINDS[mode].hosted:
        text = _("Programs and questions go to %(url)s then, without the students' names.")
        yield Consequence(text % {"url": config.api_url}, "warning")
    if not any(writes(roster.known_as(each, config)) for each in rows):
        licences = reverse("admin:engines_licence_changelist")
        text = _("%(mode)s: no model of it may write hints, so that they come without a model.")
        yield Consequence(text % {"mode": label}, "warning", licences, _("Licences"))


def in_flight() -> str:
    loads = attempt(fleet.snapshot())
    if loads is None:
        return _("Hints that are being written now finish where they are.")
    count = sum(load.hints for load in loads.values())
    # A worker asks the server to which its attempt was sent, whatever is set meanwhile.
    if not count:
        return _("No hint is being written now; one that is would finish where it is.")
    text = ngettext(
        "%(count)d hint is being written now: it finishes where it is.",
        "%(count)d hints are being written now: they finish where they are.",
        count,
    )
    return text % {"count": count}
