"""What every answer tells the browser beside the content security policy: what pages of this site never need."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

UNUSED = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}


DOWNLOAD = "sandbox; default-src 'none'"
"""The policy of what is handed out as a file: opened in a browser all the same, it is no page of ours."""


class HeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if response.headers.get("Content-Disposition", "").startswith("attachment"):
            response.headers["Content-Security-Policy"] = DOWNLOAD
        return response


class PolicyMiddleware(CSPMiddleware):
    """django-csp's, which would put the same policy together anew for every answer; only the nonce differs."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if settings.DEBUG:  # it spares Django's own pages about errors
            return super().process_response(request, response)
        nonce: str | None = getattr(request, "_csp_nonce", None)
        response.headers.setdefault(HEADER, _policy(PLACE).replace(PLACE, nonce) if nonce else _policy(None))
        return response


PLACE = "{nonce}"


@cache
def _policy(nonce: str | None) -> str:
    return build_policy(nonce=nonce)
