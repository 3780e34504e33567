"""Turns what Django itself refuses under /v1 into problems: an unknown path, a wrong method."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from web.api import problem
from web.api.problem import Problem

PATH = "/v1/"
KINDS = {400: problem.INVALID, 404: problem.NOT_FOUND, 405: problem.METHOD}


class ApiProblemMiddleware:
    """Stands inside LocaleMiddleware, which knows the caller's language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        kind = KINDS.get(response.status_code)
        # What the API itself has refused says more than its status does.
        told = response.get("Content-Type") == problem.CONTENT_TYPE
        if kind is None or told or not request.path_info.startswith(PATH):
            return response
        answer = problem.respond(request, Problem(kind))
        if "Allow" in response:
            answer["Allow"] = response["Allow"]
        return answer
