"""The API object: its routers, and the one place where exceptions become problems."""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from broker.errors import BrokerDown
from web.api import problem
from web.api.auth import AUTH
from web.api.problem import Problem
from web.hints.api import router

log = logging.getLogger(__name__)

api = NinjaAPI(
    title="Hintline",
    version="1",
    description="Ask for a hint, follow it, take it back.",
    auth=AUTH,
    docs_url="/docs",
)
api.add_router("", router)


@api.exception_handler(Problem)
def known(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem.respond(request, error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"where": where(item["loc"]), "what": str(item["msg"])} for item in error.errors]
    return problem.respond(request, Problem(problem.INVALID, errors=errors))


def where(location: tuple[str | int, ...]) -> str:
    """`code` for ("body", "request", "code"): the field as the caller wrote it."""
    return str(location[-1]) if location else ""


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    kind = {
        401: problem.NOT_SIGNED_IN,
        403: problem.FORBIDDEN,
        404: problem.NOT_FOUND,
        405: problem.METHOD,
    }.get(error.status_code, problem.INVALID)
    detail = _("The body is not valid JSON.") if error.status_code == 400 else ""
    return problem.respond(request, Problem(kind, detail))


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem.respond(request, Problem(problem.NOT_FOUND))


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem.respond(request, Problem(problem.TOO_LARGE))


@api.exception_handler(BrokerDown)
def broker_down(request: HttpRequest, error: BrokerDown) -> HttpResponse:
    log.warning("broker down: %s", error)
    return problem.respond(request, Problem(problem.BROKER_DOWN, retry_after_s=problem.RETRY_S))


@api.exception_handler(Error)
def database_down(request: HttpRequest, error: Error) -> HttpResponse:
    if not problem.is_database_down(error):
        return broken(request, error)
    log.error("database down: %s", error)
    return problem.respond(request, Problem(problem.DATABASE_DOWN, retry_after_s=problem.RETRY_S))


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request %s broke", getattr(request, "request_id", ""), exc_info=error)
    return problem.respond(request, Problem(problem.INTERNAL))
