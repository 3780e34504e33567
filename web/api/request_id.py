"""An id for each HTTP request: in the answer, in the problems, in the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from broker.base import logs

HEADER = "X-Request-Id"


class RequestIdMiddleware:
    """Sets request.request_id and the answer's header; a caller's own id is not trusted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Random, for it goes to strangers: a number in order would tell how much the site is used.
        request.request_id = uuid.uuid4().hex  # type: ignore[attr-defined]
        with logs.about(request=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        return response
