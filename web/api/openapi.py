"""What the description of the API adds to what ninja knows: errors, headers, the event stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.utils.translation import override
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from broker.base.times import COMMENT_S
from broker.contract.events import EventKind as Event
from broker.contract.hint import Reason, State
from web.api import problem
from web.api.problem import CONTENT_TYPE, TYPE, ProblemKind
from web.tutor.languages import OPERATORS

Json = dict[str, Any]
EVERYWHERE = (
    problem.NOT_SIGNED_IN,
    problem.CSRF,
    problem.NOT_FOUND,
    problem.INVALID,
    problem.TOO_MANY_TRIES,
    problem.INTERNAL,
    problem.BROKER_DOWN,
    problem.DATABASE_DOWN,
)
"""What any operation may answer."""
BODY = (problem.TOO_LARGE, problem.MEDIA_TYPE)
"""What each one that takes a body may answer besides."""
RUN = (problem.STILL_RUNNING, problem.TOO_MANY_RUNS, problem.BUSY, problem.CODE_TOO_LARGE)
"""What each one that runs the student's program may answer besides."""
RETRY_AFTER = {
    "description": "Seconds after which the same request may work.",
    "schema": {"type": "integer", "minimum": 0},
}
LOCATION = {"description": "Where the hint is read.", "schema": {"type": "string"}}
ETAG = {
    "description": "Weak tag of what the answer shows; send it back as If-None-Match.",
    "schema": {"type": "string"},
}
POLL_AFTER = {
    "description": "Seconds after which it is worth to ask again; absent once the hint is final.",
    "schema": {"type": "integer", "minimum": 1},
}


def errors(*more: ProblemKind) -> dict[int, Json]:
    """Responses by status: these problems and those of EVERYWHERE."""
    kinds = sorted({*EVERYWHERE, *more}, key=attrgetter("status", "name"))
    return {status: response(list(group)) for status, group in groupby(kinds, attrgetter("status"))}


def response(kinds: Iterable[ProblemKind]) -> Json:
    """One status. Its titles are those of English; the caller's language decides what is sent."""
    with override(OPERATORS):
        told = [f"`{TYPE}{kind.name}`: {kind.title}" for kind in kinds]
    found: Json = {
        "description": "\n\n".join(told),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if any(kind.status in (429, 503) for kind in kinds):
        found["headers"] = {"Retry-After": RETRY_AFTER}
    return found


def answers(*more: ProblemKind, good: Mapping[int, Json] | None = None) -> Json:
    """openapi_extra of an operation. good: what its answers that are no problems have besides."""
    return {"responses": {**errors(*more), **(good or {})}}


def text(about: str, **more: Any) -> Json:
    return {"type": "string", "description": about, **more}


PROBLEM: Json = {
    "title": "Problem",
    "description": "What went wrong, as RFC 9457 has it. Its texts are in the caller's language.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": text(
            "Stable name of the kind of problem: test for it.", pattern=f"^{TYPE}[a-z-]+$"
        ),
        "title": text("The problem in a sentence."),
        "status": {"type": "integer", "description": "The HTTP status again.", "minimum": 400},
        "detail": text("More about this one; may be empty."),
        "errors": {
            "type": "array",
            "description": "The fields that cannot be used.",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {
                    "where": text("Name of the field, parameter or header."),
                    "what": text("What is wrong with it."),
                },
            },
        },
        "request_id": text("As in X-Request-Id: tell it to whoever looks after the site."),
        "hint": text("With already-waiting: the id of the hint that is waited for."),
    },
}
# As web.events.frames.parse_ids reads them: the places of up to 20 hints.
PLACE = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9]{1,9}-[0-9]{1,9}"
LAST_ID = {"type": "string", "pattern": f"^{PLACE}(,{PLACE}){{0,19}}$"}
FRAMES = f"""Server-sent events until every hint has ended. Each has `hint`, its id, in its data:

- `started` `{{"engine": name}}`: an attempt began.
- `piece` `{{"text": …}}`: text to append; it has passed the gate.
- `reset` `{{"reason": …}}`: forget the text shown so far.
- `queued` `{{}}`: back in the backlog.
- `position` `{{"position": n, "eta_s": s}}`: the place in the backlog; it has no id.
- `done` `{{"state": {"|".join(State)}, "reason": {"|".join(Reason)}}}`: the last one; the
  hint can be read now. `reason` is left out for a plain answer.
- `lost` `{{"why": …}}`: also the last one; you may not follow this hint any more. `why` is the end
  of a problem's type: `not-signed-in`, or `not-found` for a hint that was deleted or is not yours
  to read now. It has no id.

`id` names the last event of every hint; a browser sends it back as Last-Event-ID. A comment comes
every {COMMENT_S} s."""
EVENTS: Json = {
    "get": {
        "operationId": "follow_hints",
        "tags": ["hints"],
        "summary": "Follow hints as they are written",
        "description": "A server of its own answers here. Sign in as for every other operation.",
        "parameters": [
            {
                "name": "hint",
                "in": "query",
                "required": True,
                "description": "A hint to follow, 1 to 20 times.",
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 20,
                    "items": {"type": "string", "format": "uuid"},
                },
            },
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "The last `id` that was seen: the stream goes on behind it.",
                "schema": LAST_ID,
            },
            {
                "name": "last",
                "in": "query",
                "description": "The same for who cannot set a header.",
                "schema": LAST_ID,
            },
        ],
        "responses": {
            200: {
                "description": FRAMES,
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            204: {"description": "Last-Event-ID was the end of every hint: do not come back."},
            400: response([problem.INVALID]),
            **{
                status: each
                for status, each in errors(problem.TOO_MANY_STREAMS).items()
                if status in (401, 404, 429, 500, 503)
            },
        },
        "security": [{"TokenAuth": []}, {"BrowserAuth": []}],
    }
}
assert all(f"`{event}`" in FRAMES for event in Event), "an event without a description"


class Api(NinjaAPI):
    """NinjaAPI whose description has what this module adds."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"]["Problem"] = PROBLEM
        schema["paths"]["/v1/events"] = EVENTS
        return schema
