"""/livez, /readyz and /metrics, for who starts, watches and replaces the processes of the site."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache

from broker import gauges
from broker.base import metrics
from web.link import attempt_all
from web.ops import health

LIVE, READY, METRICS = "/livez", "/readyz", "/metrics"
Page = Callable[[HttpRequest], HttpResponseBase]


@never_cache
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """JSON: ready, whether nothing is missing; missing, names of parts; parts, name to state;
    remarks, sentences on what works otherwise than whoever runs the site may think."""
    states = health.readiness.states()
    parts = {name: states[name] for name in health.PARTS}
    missing = [name for name, state in parts.items() if state != health.OK]
    remarks = [text for name, text in health.REMARKS.items() if states[name] == health.BARRED]
    body = {"ready": not missing, "missing": missing, "parts": parts, "remarks": remarks}
    return JsonResponse(body, status=503 if missing else 200)


def measured(request: HttpRequest) -> HttpResponse:
    """What this process counted, and the gauges of the whole fleet."""
    peer = request.META.get("REMOTE_ADDR", "")
    if not metrics.allowed(peer, settings.METRICS_TOKEN, request.headers.get):
        # As if the page did not exist: strangers learn nothing of it.
        return HttpResponse(status=404)
    replies = attempt_all(gauges.calls())
    families = gauges.families(*replies) if replies else gauges.answering(False)
    return HttpResponse(metrics.page(families), content_type=metrics.CONTENT_TYPE_LATEST)


PAGES: dict[str, Page] = {LIVE: live, READY: ready, METRICS: measured}


def for_machines(get_response: Page) -> Page:
    """Outermost: who asks calls a container by its name, no host of the site, without account."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        return PAGES.get(request.path_info, get_response)(request)

    return answer
