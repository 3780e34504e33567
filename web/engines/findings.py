"""What is known of an engine and its server, in words for the admin's pages."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from broker.contract.job import Dialect
from web.engines import abilities, licences, roster
from web.engines.keys import UnreadableKey
from web.engines.kinds import KINDS
from web.engines.models import AIModelConfig, Engine, Licence
from web.language import locale_now
from web.tutor.gate.judge import HIGHEST
from web.tutor.languages import LANGUAGES

if TYPE_CHECKING:
    from web.engines.connection import Check

MODELS_SHOWN = 20
# Rough on purpose: who reads it wants to know whether it is minutes or hours. The shipped set has
# some eight hundred texts for the judge, one at a time, and as many hints and diagnoses.
JUDGED_S, WRITTEN_S = 300.0, 4200.0
TONES = {True: "success", None: "warning", False: "error"}


def dialect_words(dialect: Dialect) -> str:
    """What a server refused, and so is left out or renamed; and whether its model thinks."""
    parts = [
        _("%(new)s instead of %(old)s") % {"old": old, "new": new}
        for old, new in sorted(dialect.renamed.items())
    ]
    if dialect.left_out:
        names = ", ".join(sorted(dialect.left_out))
        parts.append(_("left out: %(names)s") % {"names": names})
    if "response_format" in dialect.left_out:
        parts.append(_("it takes no schema, so diagnoses are read from its words"))
    if dialect.thinks:
        parts.append(_("it thinks, so its text is held until it is whole"))
    return "; ".join(parts) or _("nothing")


def judged_words(engines: list[Engine], config: AIModelConfig) -> str:
    """Who judges the hints that each of these engines writes, and why nobody where that is so."""
    parts = []
    for engine in engines:
        judge = roster.judging(engine, config)
        licence = roster.licence_of(judge, config) if judge else None
        to = licence.judges_to if licence else 0
        names = {"engine": engine.name, "judge": judge, "highest": HIGHEST, "to": to}
        if judge is None:
            text = _("%(engine)s: by nobody; the rules alone decide")
        elif not to:
            text = _(
                "%(engine)s: by %(judge)s, whose model has no licence to judge, so hints up to "
                "level %(highest)d come without a model: have it evaluated, or choose another judge"
            )
        elif to < HIGHEST:
            text = _(
                "%(engine)s: by %(judge)s, which judges up to level %(to)d, so hints above that, "
                "up to level %(highest)d, come without a model"
            )
        elif {"logprobs", "response_format"} <= roster.dialect_of(judge, config).left_out:
            text = _("%(engine)s: by %(judge)s, by its word alone, as it gives no probabilities")
        else:
            text = _("%(engine)s: by %(judge)s")
        parts.append(text % names)
    return "; ".join(parts) or "–"


def licence_words(model: str, licence: Licence | None) -> str:
    """What the model may do, and since when; why nothing, where that is so.

    licence: as licences.of finds it.
    """
    if licence is not None:
        return f"{allowed_words(licence)} ({origin_words(licence)})"
    earlier = Licence.objects.filter(model=model).first()
    if earlier is None:
        return _("not evaluated yet: it writes no hints")
    return _(
        "the templates have changed since it was licensed on %(date)s, so that no longer counts: "
        "it writes no hints until it is evaluated again"
    ) % {"date": date_format(localtime(earlier.granted_at))}


def evaluation_minutes(engine: Engine) -> int:
    """About how long the shipped evaluation takes this engine."""
    seconds = JUDGED_S + WRITTEN_S / engine.slots
    return ceil(seconds * KINDS[engine.kind].wait_factor / 60)


def why_nobody_writes() -> str:
    """A sentence where no engine in use may write a hint of any level; empty where one may."""
    if any(map(abilities.written, LANGUAGES)):
        return ""
    return _(
        "No model in use may write hints: levels 1 and 2 are composed of what the program did, "
        "level 3 comes from its author. Have a model evaluated, or grant it a licence by hand."
    )


def allowed_words(licence: Licence) -> str:
    """Of this licence alone, whether it still counts or not."""
    parts = [
        _("writes level %(levels)s in %(language)s")
        % {
            "levels": ", ".join(map(str, licence.written(each))),
            "language": get_language_info(each)["name_translated"],
        }
        for each in LANGUAGES
        if licence.written(each)
    ]
    judged = {"level": licence.judges_to, "threshold": licence.judge_threshold}
    if licence.judges_to and licence.judge_threshold is not None:
        parts.append(_("judges hints up to level %(level)d (threshold %(threshold)s)") % judged)
    elif licence.judges_to:
        parts.append(_("judges hints up to level %(level)d") % judged)
    if licence.diagnoses:
        parts.append(_("finds out what is wrong"))
    return "; ".join(parts) or _("it may do nothing")


def origin_words(licence: Licence) -> str:
    """Who granted it, and when."""
    words = {
        "date": date_format(localtime(licence.granted_at)),
        "evaluation": licence.evaluation,
        "by": licence.granted_by or "–",
    }
    if licence.evaluation:
        return _("by evaluation %(evaluation)s, %(date)s") % words
    return _("by hand, not evaluated: %(by)s, %(date)s") % words


def tested(request: HttpRequest, engines: list[Engine]) -> HttpResponse:
    """The page of a test of these engines; what their servers refused is kept."""
    # It loads the openai client, which would take a second of every start of the web.
    from web.engines import connection

    config = AIModelConfig.current()
    reached = {}
    for engine in engines:
        try:
            reached[engine] = roster.endpoint_of(engine, config)
        except UnreadableKey as error:
            messages.error(request, str(error))
    checks = connection.check_all([*reached.values()], roster.sampling_of(config), locale_now())
    found = []
    for engine, check in zip(reached, checks, strict=True):
        # A test is a request like a hint's: what it taught spares the first student the refusals.
        if check.dialect != check.endpoint.dialect:
            roster.learn(engine.name, check.endpoint, check.dialect)
        tone = TONES[check.ok]
        model = roster.known_as(engine, config)
        told = [*lines(check), (_("licence"), licence_words(model, licences.of(model)))]
        found.append({"engine": engine, "check": check, "tone": tone, "lines": told})
    context = admin.site.each_context(request) | {
        "title": _("Test of the connection"),
        "opts": Engine._meta,
        "found": found,
    }
    return TemplateResponse(request, "admin/engines/engine/tested.html", context)


def lines(found: Check) -> Iterator[tuple[str, str]]:
    """What was seen on the way, each after what it is, in the reader's language."""
    yield from asked(found)
    if found.text:
        yield (_("what a student would see"), found.text)
    if found.blocked_text:
        yield (_("what the model wrote, blocked"), found.blocked_text)
    yield from measured(found)


def asked(found: Check) -> Iterator[tuple[str, str]]:
    yield (_("URL"), found.endpoint.base_url)
    yield (_("model name"), found.endpoint.model or "–")


def measured(found: Check) -> Iterator[tuple[str, str]]:
    """What is known of the answer beside its text."""
    if found.thought_chars:
        chars = _("%(count)s characters") % {"count": f"{found.thought_chars:,}"}
        yield (_("thoughts, not shown"), chars)
    if found.dialect != Dialect():
        yield (_("learned from refusals"), dialect_words(found.dialect))
    if found.first_ms is not None:
        yield (_("time to the first word or thought"), seconds(found.first_ms))
    yield (_("whole time"), seconds(found.took_ms))
    yield (_("models of the server"), models(found))


def models(found: Check) -> str:
    if found.models is None:
        return _("It does not tell (%(why)s); a hint does not need to know.") % {
            "why": found.why_no_models
        }
    shown = ", ".join(found.models[:MODELS_SHOWN]) or _("none")
    # A hosted API lists hundreds.
    more = len(found.models) - MODELS_SHOWN
    if more > 0:
        shown = _("%(names)s and %(count)d more") % {"names": shown, "count": more}
    return shown


def seconds(ms: int) -> str:
    return _("%(seconds)s s") % {"seconds": f"{ms / 1000:.1f}"}
