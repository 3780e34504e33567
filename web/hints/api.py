"""/v1: ask for a hint, read it, take it back, rate it; run the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Path, Query, Router, Status

from broker.contract.hint import Lane, Reason, State
from broker.contract.text import storable
from broker.dispatch import Placement
from broker.view import View
from web.api import openapi, problem
from web.api.nul import DETAIL
from web.api.problem import Problem
from web.courses.models import Exercise
from web.engines import abilities
from web.engines.licences import Trust
from web.hints import ahead, backlog, creation, etag, lookup, start, store, submissions, wire
from web.hints.creation import NewHint
from web.hints.lately import lately
from web.hints.models import Hint, Submission
from web.hints.results import ResultIn
from web.language import locale_now
from web.people import access, acting, quotas, rungs, runs
from web.people.models import User
from web.runner.checker import CODE_BYTES, JudgedRun, checker
from web.tutor.evidence.report import Report, Verdict
from web.tutor.ladder import LOWEST
from web.tutor.levels import LEVELS

router = Router(tags=["hints"])
POLL_S = 1
FULL_RETRY_S = 15
"""If nobody knows yet how fast the backlog moves."""
HISTORY = 50
HERE, PLATFORM = Submission.Source.HERE, Submission.Source.PLATFORM
AskedExercise = Annotated[
    wire.ExercisePath, Query(description="The exercise, as `<course>/<exercise>`.")
]
OnBehalfOf = Annotated[
    wire.PlatformUser,
    # A default that only the operation names is lost where the type has a Field of its own.
    Query("", description="For a platform's token: its user whose hints these are."),
]
HintId = Annotated[UUID, Path(description="The hint's UUID.")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Your name for this request: sent again, it is answered with the same hint.",
    ),
]
HEADERS = {"ETag": openapi.ETAG, "Retry-After": openapi.POLL_AFTER}
ACCEPTED = {
    "description": "It was taken. For whom no hint by AI is left (`quota` in `/v1/ladder`) it has "
    "ended already: with the reason `quota`, a text that needs no model, and no cost.",
    "headers": {"Location": openapi.LOCATION, "Retry-After": openapi.POLL_AFTER},
}
NOT_MODIFIED = {"description": "It shows what your tag shows.", "headers": HEADERS}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what you have; 304 if that is still what there is.",
    "schema": {"type": "string"},
}


@router.post(
    "/checks",
    response=wire.L0Out,
    summary="Run the tests on this code (L0)",
    openapi_extra=openapi.answers(
        problem.FORBIDDEN, problem.TOO_MANY_USERS, *openapi.BODY, *openapi.RUN
    ),
)
def check(request: HttpRequest, body: wire.CheckIn) -> wire.L0Out:
    refuse_bad_code(body.code)
    student, exercise = acting.asking(request, body.exercise, body.on_behalf_of)
    teaches = access.teaches(student, exercise.course)
    with (
        runs.running(student, any_number=teaches),
        judged(exercise, body.code, body.result) as (run, source),
        still_there(student, exercise),
    ):
        program = submissions.ran(student, exercise, body.code, run.report, source)
        program = submissions.keep(program)
        start.explain(program, run)
        ahead.begin(program)
    return wire.check_out(program)


@router.post(
    "/hints",
    response={202: wire.HintOut},
    summary="Ask for a hint",
    openapi_extra=openapi.answers(
        problem.FORBIDDEN,
        problem.LEVEL_LOCKED,
        problem.ALREADY_CORRECT,
        problem.ALREADY_WAITING,
        problem.KEY_REUSED,
        problem.BACKLOG_FULL,
        problem.TOO_MANY_USERS,
        *openapi.BODY,
        *openapi.RUN,
        good={202: ACCEPTED},
    ),
)
def ask(
    request: HttpRequest,
    response: HttpResponse,
    body: wire.HintIn,
    idempotency_key: Key = "",
) -> Status[wire.HintOut]:
    # What is cheap to know comes first: no program runs for a request that is refused anyway.
    refuse_bad_code(body.code)
    refuse_nul("question", body.question)
    student, exercise = acting.asking(request, body.exercise, body.on_behalf_of)
    # Who does runs any number of programs a minute, asks in any lane, and for any number of hints.
    teaches = access.teaches(student, exercise.course)
    refuse_lane(body.lane, teaches=teaches)
    known = lately.find(student, exercise, body.code)
    with (
        runs.running(student, any_number=teaches),
        judged(exercise, body.code, body.result, known) as (run, source),
    ):
        program = submissions.ran(student, exercise, body.code, run.report, source)
        new = new_hint(program, body, idempotency_key, free=teaches)
        hint, place = accept(new, run)
    response["Location"] = f"/v1/hints/{hint.pk}"
    return Status(202, shown(hint, response, place))


@router.get(
    "/hints",
    response=wire.HintsOut,
    summary="Your hints for one exercise, newest first",
    openapi_extra=openapi.answers(problem.FORBIDDEN, problem.TOO_MANY_USERS),
)
def history(
    request: HttpRequest, exercise: AskedExercise, on_behalf_of: OnBehalfOf = ""
) -> wire.HintsOut:
    student, found = acting.asking(request, exercise, on_behalf_of)
    rows = access.own_hints(student, found)
    rows = rows.select_related("exercise__course", "submission")[:HISTORY]
    return wire.HintsOut(items=[wire.hint_out(row) for row in rows])


@router.get(
    "/hints/{uuid:hint_id}",
    response=wire.HintOut,
    summary="Read a hint",
    openapi_extra=openapi.answers(good={200: {"headers": HEADERS}, 304: NOT_MODIFIED})
    | {"parameters": [IF_NONE_MATCH]},
)
def read(
    request: HttpRequest, response: HttpResponse, hint_id: HintId
) -> wire.HintOut | HttpResponse:
    user = acting.reading(request, hint_id)
    asked = request.headers.get("If-None-Match", "")
    # Looked at before the row is read: a tag may be older than what it comes with, never newer.
    view = None if etag.FINAL.fullmatch(asked) else backlog.look(str(hint_id), etag.mark(asked))
    if view and etag.still_current(view, str(user.pk), asked):
        return not_modified(asked)
    hint = find_hint(user, hint_id)
    tag = etag.of(hint, view)
    if asked == tag:
        return not_modified(tag)
    response["ETag"] = tag
    return shown(hint, response, view, for_staff=not access.acts_on(user, hint))


@router.post(
    "/hints/{uuid:hint_id}/cancel",
    response={202: wire.HintOut},
    summary="Take it back",
    openapi_extra=openapi.answers(
        problem.FORBIDDEN, good={202: {"headers": {"Retry-After": openapi.POLL_AFTER}}}
    ),
)
def cancel(request: HttpRequest, response: HttpResponse, hint_id: HintId) -> Status[wire.HintOut]:
    hint = own_hint(request, hint_id)
    store.cancel(str(hint.pk))
    hint.refresh_from_db()
    if hint.state == State.CANCELLED:
        # Also when it is asked again: the broker may have been down the first time.
        backlog.leave(hint)
    return Status(202, shown(hint, response, None))


@contextmanager
def judged(
    exercise: Exercise, code: str, result: ResultIn | None, known: Report | None = None
) -> Iterator[tuple[JudgedRun, Submission.Source]]:
    """Runs the program, unless its result came with it or is known; and who has run it.

    Raises: SandboxBusy.
    """
    if result is not None:
        yield JudgedRun(result.report()), PLATFORM
    elif known is not None:
        yield JudgedRun(known), HERE
    else:
        tests, limits = exercise.tests_to_run(), exercise.limits()
        with checker().running(code, tests, limits, exercise.language) as run:
            yield run, HERE


@contextmanager
def still_there(student: User, exercise: Exercise) -> Iterator[None]:
    """Raises: Problem not found if the exercise was deleted while the program ran."""
    try:
        yield
    except IntegrityError:
        acting.find_exercise(student, exercise.path)
        # It is still there: then the database refused something else, and that is our mistake.
        raise


def accept(new: NewHint, run: JudgedRun) -> tuple[Hint, Placement | View | None]:
    """The row for this request, and where it stands. Raises: Problem if it may not have one."""
    program, refused = new.submission, refusal(new, run.report)
    # A request that came before has its hint, so it is answered however many wait by now.
    earlier = lookup.by_key(new) if refused else None
    with still_there(program.student, program.exercise):
        if earlier or refused:
            submissions.keep(program)
        made = earlier or refused or start.create(new, run)
    match made:
        case Problem():
            raise made
        case creation.Created(hint):
            return hint, None if hint.final else start.begin(hint, run)
        case creation.Repeated(hint):
            return hint, None if hint.final else backlog.look(str(hint.pk))
        case creation.Waiting(hint):
            raise Problem(problem.ALREADY_WAITING, more={"hint": str(hint.pk)})
        case _:
            raise Problem(problem.KEY_REUSED)


def new_hint(program: Submission, body: wire.HintIn, key: str, *, free: bool) -> NewHint:
    """free: it counts for nothing, as one of who teaches the course."""
    locale, exercise = body.locale or locale_now(), program.exercise
    # Nor does what no model may write: it will end without one.
    may = not free and body.level in abilities.written(locale, Trust.of(exercise.course))
    prefix, prefix_tokens = creation.shared(exercise, body.level, locale)
    return NewHint(
        submission=program,
        level=body.level,
        locale=locale,
        question=body.question,
        prefix=prefix,
        prefix_tokens=prefix_tokens,
        lane=Lane(body.lane),
        idempotency_key=key,
        charge=LEVELS[body.level].charge if may else 0,
    )


def why(hint: Hint) -> str:
    """For whom a quota is used up: which, and when more is there."""
    if hint.reason != Reason.QUOTA:
        return ""
    left = quotas.left(hint.student, hint.exercise)
    return quotas.words(left) if left.spent else ""


def shown(
    hint: Hint,
    response: HttpResponse,
    place: Placement | View | None,
    *,
    for_staff: bool = False,
) -> wire.HintOut:
    """The hint with its place or its words so far; says when to ask again."""
    if hint.final:
        return wire.hint_out(hint, for_staff=for_staff, why=why(hint))
    eta_s = place.eta_s if place else None
    # Half of the wait, for hints before it may be taken back; and never so long that a student who
    # looks at the page finds it dead.
    response["Retry-After"] = str(max(POLL_S, min(eta_s or 0, 10) // 2))
    text = place.text if isinstance(place, View) else ""
    queue_position = place.queue_position if place else None
    return wire.hint_out(hint, queue_position, eta_s, text, for_staff=for_staff)


def not_modified(tag: str) -> HttpResponse:
    response = HttpResponse(status=304)
    response["ETag"] = tag
    response["Retry-After"] = str(POLL_S)
    return response


def find_hint(user: User, hint_id: UUID) -> Hint:
    hint = access.hint(user, hint_id)
    if hint is None:
        raise acting.no_hint()
    return hint


def own_hint(request: HttpRequest, hint_id: UUID) -> Hint:
    """As find_hint; a teacher may read a student's hint but not act on it."""
    user = acting.reading(request, hint_id)
    hint = find_hint(user, hint_id)
    if not access.acts_on(user, hint):
        raise Problem(problem.FORBIDDEN)
    return hint


def refuse_bad_code(code: str) -> None:
    # Half a character has no bytes in UTF-8; it is counted here, and refused below by its name.
    size = len(code.encode(errors="surrogatepass"))
    if size > CODE_BYTES:
        detail = _("Your code has %(size)d bytes; %(most)d are allowed.")
        raise Problem(problem.CODE_TOO_LARGE, detail % {"size": size, "most": CODE_BYTES})
    if not code.strip():
        raise problem.invalid("code", _("Write some code first; a line is enough."))
    refuse_nul("code", code)


def refuse_nul(where: str, text: str) -> None:
    """PostgreSQL stores no NUL, and neither it nor the sandbox takes half a character."""
    if storable(text) != text:
        raise problem.invalid(where, str(DETAIL))


def refuse_lane(lane: str, *, teaches: bool) -> None:
    if lane == Lane.BATCH and not teaches:
        raise Problem(problem.FORBIDDEN, _("Only who teaches the course may use the batch lane."))


def refusal(new: NewHint, report: Report) -> Problem | None:
    """Why a new request is not taken after its program ran."""
    if report.verdict is Verdict.PASSED:
        return Problem(problem.ALREADY_CORRECT)
    # The lowest level is open to everybody, and is asked for most: nothing is looked up for it.
    if new.level > LOWEST:
        written = abilities.written(new.locale, Trust.of(new.submission.exercise.course))
        open_ = rungs.rungs(new.submission, written, new.question)
        if not open_.allows(new.level):
            more = {"highest": open_.highest, "opener": open_.opener}
            return Problem(problem.LEVEL_LOCKED, rungs.why_not(open_, new.level), more=more)
    if lookup.waiting_count() >= settings.BACKLOG_MAX:
        wait_s = backlog.wait_s() or FULL_RETRY_S
        return Problem(problem.BACKLOG_FULL, retry_after_s=min(wait_s, settings.HINT_TTL_S))
    return None
