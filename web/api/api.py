"""The API object, and the one place where exceptions become problems. `web.urls` adds routers."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from broker.base.errors import BrokerDown
from web import database
from web.api import body, edge, fields, problem
from web.api.openapi import Api
from web.api.problem import Problem, ProblemKind
from web.runner.checker import SandboxBusy

log = logging.getLogger(__name__)
MOST_TOLD = 20


class JsonParser(Parser):
    """Reads JSON that says it is JSON."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem(problem.MEDIA_TYPE)
        return json.loads(request.body)


api = Api(
    title="Hintline",
    version="1",
    description="Ask for a hint, follow it, take it back.",
    docs_url="/docs",
    parser=JsonParser(),
)


@api.exception_handler(Problem)
def known(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem.respond(request, error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # A list of ten thousand wrong entries is told by its first ones.
    errors = [fields.told(item) for item in error.errors[:MOST_TOLD]]
    return problem.respond(request, Problem(problem.INVALID, errors=errors))


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Problem):
        # Ninja wraps whatever the parser raises.
        return problem.respond(request, error.__cause__)
    # Of what ninja itself refuses, all but these is something that cannot be used.
    kinds = {401: problem.NOT_SIGNED_IN, 403: problem.FORBIDDEN, **edge.KINDS}
    kind = kinds.get(error.status_code, problem.INVALID)
    detail = _("The body is not valid JSON.") if error.status_code == 400 else ""
    return problem.respond(request, Problem(kind, detail))


@api.exception_handler(BrokerDown)
def broker_down(request: HttpRequest, error: BrokerDown) -> HttpResponse:
    log.warning("broker down: %s", error)
    return problem.respond(request, Problem(problem.BROKER_DOWN))


@api.exception_handler(Error)
def database_down(request: HttpRequest, error: Error) -> HttpResponse:
    if not database.is_down(error):
        return broken(request, error)
    log.error("database down: %s", error)
    return problem.respond(request, Problem(problem.DATABASE_DOWN))


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    detail = _("A request may have %(most)d MB.") % {"most": body.most_bytes() >> 20}
    return problem.respond(request, Problem(problem.TOO_LARGE, detail))


# Django's own refusals, and a sandbox without room: all that there is to say is their kind.
REFUSALS: dict[type[Exception], ProblemKind] = {
    Http404: problem.NOT_FOUND,
    # Too many query parameters, or a cookie that nobody made.
    SuspiciousOperation: problem.INVALID,
    # The check of the CSRF token looks into a form, and nothing else here reads one.
    MultiPartParserError: problem.MEDIA_TYPE,
    # The caller has left in the middle of the body, so nobody is there to be answered.
    UnreadablePostError: problem.INVALID,
    SandboxBusy: problem.BUSY,
}


def plain(request: HttpRequest, error: Exception, kind: ProblemKind) -> HttpResponse:
    return problem.respond(request, Problem(kind))


for error, kind in REFUSALS.items():
    api.add_exception_handler(error, partial(plain, kind=kind))


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request %s broke", getattr(request, "request_id", ""), exc_info=error)
    return problem.respond(request, Problem(problem.INTERNAL))
