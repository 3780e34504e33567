"""The errors of the API: RFC 9457 problem details with a stable type and a translated text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TYPE = "urn:hintline:problem:"
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One type of problem. Its name never changes: clients test for it.

    pause_s: after which the same request may work, where that does not depend on the request.
    """

    name: str
    status: int
    title: Promise
    pause_s: int | None = None


NOT_SIGNED_IN = ProblemKind("not-signed-in", 401, _("Sign in first."))
CSRF = ProblemKind("csrf", 403, _("The page is out of date: reload it."))
FORBIDDEN = ProblemKind("forbidden", 403, _("You may not do this."))
NOT_FOUND = ProblemKind("not-found", 404, _("There is no such thing here."))
METHOD = ProblemKind("method-not-allowed", 405, _("This address does not take that method."))
INVALID = ProblemKind("invalid", 422, _("Some of what was sent cannot be used."))
TOO_LARGE = ProblemKind("too-large", 413, _("The request is too large."))
MEDIA_TYPE = ProblemKind("media-type", 415, _("Send JSON: Content-Type: application/json."))
TOO_MANY_USERS = ProblemKind(
    "too-many-users", 409, _("The platform has as many users as it may; nobody new is taken.")
)
CODE_TOO_LARGE = ProblemKind("code-too-large", 413, _("The code is too large."))
LEVEL_LOCKED = ProblemKind("level-locked", 409, _("This level is not open yet."))
ALREADY_CORRECT = ProblemKind(
    "already-correct", 409, _("All tests pass. There is nothing to hint at.")
)
NOT_SOLVED = ProblemKind("not-solved", 409, _("Not every test passes yet."))
ALREADY_WAITING = ProblemKind("already-waiting", 409, _("You already wait for a hint here."))
NOT_FINAL = ProblemKind("not-final", 409, _("Wait until the hint is there."))
KEY_REUSED = ProblemKind("key-reused", 422, _("This Idempotency-Key was used for another request."))
TOO_MANY_TRIES = ProblemKind("too-many-tries", 429, _("Too many failed tries. Wait a moment."))
BACKLOG_FULL = ProblemKind("backlog-full", 429, _("Too many hints are waiting. Try again shortly."))
STILL_RUNNING = ProblemKind("still-running", 429, _("Your program is still running."), pause_s=1)
TOO_MANY_RUNS = ProblemKind("too-many-runs", 429, _("Take a moment to read your code."))
# Two programs that never end keep a sandbox for about as long.
BUSY = ProblemKind(
    "busy", 503, _("Many programs are running just now. Try again in a moment."), pause_s=3
)
TOO_MANY_STREAMS = ProblemKind(
    "too-many-streams", 503, _("Too many open pages. Close one, or wait."), pause_s=10
)
BROKER_DOWN = ProblemKind(
    "broker-down", 503, _("Hints cannot be taken right now. Try again shortly."), pause_s=5
)
DATABASE_DOWN = ProblemKind(
    "database-down", 503, _("Nothing can be saved or read right now. Try again shortly."), pause_s=5
)
INTERNAL = ProblemKind("internal", 500, _("Something broke on our side."))


@dataclass(eq=False)
class Problem(Exception):
    """Raised anywhere under an API operation; answered once, by web.api.api.

    errors: [{"where": field, "what": sentence}]. more: extra members of the JSON object.
    retry_after_s: when the same request may work; None: after the pause of its kind, if any.
    """

    kind: ProblemKind
    detail: str | Promise = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    retry_after_s: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def invalid(where: str, what: str) -> Problem:
    """One field that cannot be used. what: the sentence that says why."""
    return Problem(INVALID, what, errors=[{"where": where, "what": what}])


def body(problem: Problem, request_id: str) -> bytes:
    """The problem as JSON, its texts in the language that is active now."""
    return json.dumps(
        {
            "type": TYPE + problem.kind.name,
            "title": str(problem.kind.title),
            "status": problem.kind.status,
            "detail": str(problem.detail),
            "errors": problem.errors,
            "request_id": request_id,
            **problem.more,
        },
        ensure_ascii=False,
    ).encode()


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    content = body(problem, getattr(request, "request_id", ""))
    response = HttpResponse(content, status=problem.kind.status, content_type=CONTENT_TYPE)
    own_s, of_kind_s = problem.retry_after_s, problem.kind.pause_s
    pause_s = of_kind_s if own_s is None else own_s
    if pause_s is not None:
        response["Retry-After"] = str(pause_s)
    return response
