"""/v1: what a student says to a hint, and the levels of help that this opens."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router

from web.api import openapi, problem
from web.api.problem import Problem
from web.engines import abilities
from web.engines.licences import Trust
from web.hints import allowed, store, wire
from web.hints.api import AskedExercise, HintId, OnBehalfOf, own_hint, refuse_nul
from web.language import locale_now
from web.people import acting, quotas, rungs
from web.people.quotas import Left
from web.tutor.ladder import reflects

router = Router(tags=["hints"])


@router.put(
    "/hints/{uuid:hint_id}/feedback",
    response=wire.HintOut,
    summary="Did it help?",
    openapi_extra=openapi.answers(problem.FORBIDDEN, problem.NOT_FINAL, *openapi.BODY),
)
def feedback(request: HttpRequest, hint_id: HintId, body: wire.FeedbackIn) -> wire.HintOut:
    refuse_nul("comment", body.comment)
    hint = own_hint(request, hint_id)
    if not hint.final:
        raise Problem(problem.NOT_FINAL)
    store.say(hint, helpful=body.helpful, comment=body.comment)
    return wire.hint_out(hint)


@router.put(
    "/hints/{uuid:hint_id}/reflection",
    response=wire.HintOut,
    summary="What do you think now?",
    openapi_extra=openapi.answers(problem.FORBIDDEN, *openapi.BODY),
)
def reflect(request: HttpRequest, hint_id: HintId, body: wire.ReflectionIn) -> wire.HintOut:
    refuse_nul("text", body.text)
    if not reflects(body.text):
        raise problem.invalid("text", _("Write at least three different words."))
    hint = own_hint(request, hint_id)
    store.say(hint, reflection=body.text)
    return wire.hint_out(hint)


@router.get(
    "/ladder",
    response=allowed.LadderOut,
    summary="Which levels of help are open, and how much help is left",
    openapi_extra=openapi.answers(problem.FORBIDDEN, problem.TOO_MANY_USERS),
)
def ladder(
    request: HttpRequest, exercise: AskedExercise, on_behalf_of: OnBehalfOf = ""
) -> allowed.LadderOut:
    student, asked = acting.asking(request, exercise, on_behalf_of)
    written = abilities.written(locale_now(), Trust.of(asked.course))
    found = rungs.rungs_now(student, asked, written)
    return allowed.LadderOut(
        entry=found.entry,
        highest=found.highest,
        opener=found.opener,
        why=rungs.why(found),
        advised=found.advised,
        levels=[*found.levels],
        quota=allowed.quota_out(quotas.left(student, asked) if written else Left()),
    )
