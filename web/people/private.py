"""Nothing of a person stays in a cache, neither on the way nor in the browser's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

PRIVATE = "private, no-store"
PUBLIC = ("/v1/docs", "/v1/openapi.json")


class PrivateMiddleware:
    """Comes after whitenoise, which serves static files: every other answer is one person's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info not in PUBLIC:
            # A view that has said more about its own answer is not overruled.
            response.headers.setdefault("Cache-Control", PRIVATE)
        return response
