"""A request with a NUL in it is refused, in one place: PostgreSQL takes none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from broker.contract.text import NUL
from web.api import edge, problem
from web.api.problem import Problem

DETAIL = _("There is a character in it that cannot be used (NUL or a broken one).")


class NulMiddleware:
    """Innermost, for what stands outside it gives every answer its language and its headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(edge.PATH):
            # The API says by itself which field of its query or of its JSON is wrong.
            if holds_nul(request):
                return problem.respond(request, Problem(problem.INVALID, DETAIL))
        elif holds_nul(request) or fields_hold_nul(request):
            # Without the request: to show who is signed in would read the session.
            return HttpResponse(render_to_string("400.html", {"detail": DETAIL}), status=400)
        return self.get_response(request)


def holds_nul(request: HttpRequest) -> bool:
    """Whether the path, a header or a cookie has one; a cookie may spell it `\\000`."""
    texts = chain(request.META.values(), request.COOKIES.values(), [request.path_info])
    return any(isinstance(text, str) and NUL in text for text in texts)


def fields_hold_nul(request: HttpRequest) -> bool:
    """Whether a field of the query or of a form has one, or its name."""
    try:
        fields = chain(request.GET.lists(), request.POST.lists())
    except UnreadablePostError:
        return False  # nobody is there any more to be answered
    return any(NUL in text for name, values in fields for text in (name, *map(str, values)))
