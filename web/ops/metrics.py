"""/metrics of the web processes."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from broker import gauges
from broker.base import metrics
from web.link import attempt_all

PATH = "/metrics"


class MetricsMiddleware:
    """Outermost: Prometheus calls a container by its name, which is no host of the site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH:
            return self.get_response(request)
        peer = request.META.get("REMOTE_ADDR", "")
        if not metrics.allowed(peer, settings.METRICS_TOKEN, request.headers.get):
            # As if the page did not exist: strangers learn nothing of it.
            return HttpResponse(status=404)
        return HttpResponse(page(), content_type=metrics.CONTENT_TYPE_LATEST)


def page() -> bytes:
    replies = attempt_all(gauges.calls())
    return metrics.page(gauges.families(*replies) if replies else gauges.answering(False))
