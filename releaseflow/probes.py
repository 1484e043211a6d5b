"""Answers for machines: alive, ready, and numbers; before anything that could redirect or refuse a plain probe."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from releaseflow import condition
from workflow import clock

Answer = Callable[[HttpRequest], HttpResponse]


class ProbeMiddleware:
    """Stands first: a probe names any host and knows neither TLS nor sessions."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path)
        if answer is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response


def alive(request: HttpRequest) -> HttpResponse:
    """This process answers. Nothing behind it is asked, so a sick database does not restart healthy processes."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> HttpResponse:
    """Whether the installation does its work, each part with a sentence; 503 when one does not."""
    found = condition.ready(clock.now)
    well = all(each.ok for each in found)
    body = {"ready": well, "parts": {each.name: {"ok": each.ok, "sentence": each.sentence} for each in found}}
    return JsonResponse(body, status=200 if well else 503)


def numbers(request: HttpRequest) -> HttpResponse:
    """Prometheus text for whoever shows METRICS_TOKEN; without a token set, there is no such page."""
    from releaseflow import metrics  # brings prometheus_client

    if not settings.METRICS_TOKEN:
        return HttpResponse("METRICS_TOKEN is not set, so there are no metrics.\n", "text/plain", status=404)
    shown = request.headers.get("Authorization", "")
    if not secrets.compare_digest(shown.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        refused = HttpResponse("Send the header Authorization: Bearer METRICS_TOKEN.\n", "text/plain", status=401)
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    return HttpResponse(metrics.text(clock.now()), content_type="text/plain; version=0.0.4; charset=utf-8")


PROBES: dict[str, Answer] = {"/healthz": alive, "/readyz": ready, "/metrics": numbers}
