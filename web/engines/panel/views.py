"""The screens of /ops/ai/: the form, what its save would change, and what it asks on the way."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from broker.contract.text import row_number
from web.engines import addresses, findings, fits, history, presets, roster
from web.engines.keys import Unreadable
from web.engines.models import AIModelConfig, ModeChange
from web.engines.panel import confirmation, exercises, sealed
from web.engines.panel.cards import cards
from web.engines.panel.form import ModeDraft, ModeForm, version
from web.people import access
from web.people.models import User

HISTORY = 20
NDJSON = "application/x-ndjson"
MOST_MODELS = 500
WAITS = ("connect_s", "first_chunk_s", "idle_s", "deadline_s")
FOLDED = {*WAITS, "judged_by", "judge_engine", "judge_threshold", "diagnoses", "runs_ahead"}
"""Fields that few people ever change."""


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Save asks for a confirmation, and only that writes; `step` says which button it was."""
    access.require(access.sees_mode, request.user)
    if request.method != "POST":
        return opened(request)
    access.require(access.changes_mode, request.user)
    match request.POST.get("step"):
        case "confirm":
            return confirmed(request)
        case "back":
            return shown(request, ModeDraft(request, AIModelConfig.current()))
    return asked(request)


def opened(request: HttpRequest) -> HttpResponse:
    """The form with what is stored, or with what was before the change that `back` names."""
    number = row_number(request.GET.get("back", ""))
    if number is None:
        return filled(request, ModeForm(instance=AIModelConfig.current()))
    change = get_object_or_404(ModeChange, pk=number)
    form = ModeForm(instance=AIModelConfig.current(), initial=history.values_before(change))
    return filled(request, form, {"back_to": change})


def asked(request: HttpRequest) -> HttpResponse:
    draft = ModeDraft(request, AIModelConfig.current())
    if draft.is_stale() or not draft.form.is_valid():
        return refused(request, draft)
    if not draft.changed():
        messages.info(request, _("Nothing is changed: this is how AI is served already."))
        return shown(request, draft)
    if draft.key:
        draft.name = sealed.keep(request, draft.key)
    context = {
        "lines": confirmation.lines(draft),
        "effects": list(confirmation.effects(draft)),
        "hidden": draft.hidden(),
        "draft": draft.name,
        "version": version(draft.stored),
    }
    return render(request, "ops/ai_confirm.html", context)


def confirmed(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    with transaction.atomic():
        # Locked: of two who confirm at once, the second is told of the first.
        AIModelConfig.objects.select_for_update().first()
        draft = ModeDraft(request, AIModelConfig.current())
        if draft.is_stale() or not draft.form.is_valid():
            return refused(request, draft)
        saved = draft.form.save()
        if change := history.record(request.user, draft.stored, saved):
            told = "; ".join(map(str, history.lines(change)))
            LogEntry.objects.log_actions(request.user.pk, [saved], CHANGE, told, single_object=True)
        roster.push()
    sealed.forget(request)
    messages.success(request, _("Saved. The next hint follows it."))
    return redirect("ops_ai")


def refused(request: HttpRequest, draft: ModeDraft) -> HttpResponse:
    """What was typed stays; the form then counts from what is stored now."""
    last = ModeChange.objects.first() if draft.is_stale() else None
    return shown(request, draft, {"refused": True, "stale": draft.is_stale(), "last": last})


def shown(
    request: HttpRequest, draft: ModeDraft, more: dict[str, Any] | None = None
) -> HttpResponse:
    """The form as it was typed, but for the key, which stays in the session."""
    usable = bool(draft.key) and history.KEY not in draft.form.errors
    # Without the name of a draft that is lost: whoever types no key again wants the stored one.
    name = sealed.keep(request, draft.key) if usable else ""
    return filled(request, draft.form, {"draft": name, **(more or {})})


def filled(
    request: HttpRequest, form: ModeForm, more: dict[str, Any] | None = None
) -> HttpResponse:
    stored = AIModelConfig.current()
    user = request.user
    assert isinstance(user, User)
    context = {
        "form": form,
        "stored": stored,
        "version": version(stored),
        "cards": cards(stored),
        "known": presets.words(presets.known(str(form["model_name"].value() or ""))),
        "nobody_writes": findings.why_nobody_writes(),
        "unfolded": not FOLDED.isdisjoint(form.errors) or "back_to" in (more or {}),
        "key_lost": isinstance(stored.api_key, Unreadable),
        "waits": [form[name] for name in WAITS],
        "bands": fits.bands(None),
        "older": fits.OLDER,
        "exercises": exercises.choices(user),
        "history": [
            (each, list(history.lines(each)))
            for each in ModeChange.objects.select_related("by")[:HISTORY]
        ],
        "may_change": access.changes_mode(user),
        "may_add": access.changes_engines(user),
    }
    return render(request, "ops/ai.html", context | (more or {}))


@never_cache
@login_required
@require_safe
def known(request: HttpRequest) -> HttpResponse:
    """JSON: words on the model of this name; addresses as they will be used, by field."""
    access.require(access.sees_mode, request.user)
    words = presets.words(presets.known(request.GET.get("model_name", "")))
    used = {name: addresses.whole(request.GET.get(name, "")) for name in ("api_url", "vllm_url")}
    return JsonResponse({"words": words, "addresses": used})


@never_cache
@login_required
@require_POST
def models(request: HttpRequest) -> HttpResponse:
    """JSON: models, names that the servers tell for what is typed; whys, for those that do not."""
    access.require(access.changes_mode, request.user)
    draft = ModeDraft(request, AIModelConfig.current())
    if not draft.form.is_valid():
        return wrong(draft)
    # It loads the openai client, which would take a second of every start of the web.
    from web.engines.panel import trial

    names, whys = trial.models(draft)
    return JsonResponse({"models": names[:MOST_MODELS], "whys": whys})


@never_cache
@login_required
@require_POST
def test(request: HttpRequest) -> HttpResponseBase:
    """A stream of lines as TrialStream.lines has them; nothing of it is saved."""
    access.require(access.changes_mode, request.user)
    assert isinstance(request.user, User)
    draft = ModeDraft(request, AIModelConfig.current())
    if not draft.form.is_valid():
        return wrong(draft)
    # As above.
    from web.engines.panel import trial

    program = exercises.wrong_program(request.user, request.POST.get("exercise", ""))
    lines = trial.TrialStream(draft, program).lines()
    # Django would collect the whole of a stream of the other kind first.
    stream = lines if isinstance(request, ASGIRequest) else trial.in_thread(lines)
    # nginx would hold the words back.
    return StreamingHttpResponse(stream, content_type=NDJSON, headers={"X-Accel-Buffering": "no"})


def wrong(draft: ModeDraft) -> HttpResponse:
    """JSON: errors, a sentence for each field that cannot be used."""
    errors = [
        f"{draft.form[name].label}: {text}" if name in draft.form.fields else str(text)
        for name, texts in draft.form.errors.items()
        for text in texts
    ]
    return JsonResponse({"errors": errors}, status=400)
