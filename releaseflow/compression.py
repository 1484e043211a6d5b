"""Pages travel compressed, with a random number of bytes more, so that their length tells nothing of a token (BREACH).

Files and the API's answers go as they are: a download shows how far it is by its length, and an ETag stays what it is.
"""

from __future__ import annotations

import gzip
import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

LEVEL = 4
"""Django's own middleware has 6, which takes up to twice as long for a twentieth fewer bytes, of a board a fifth."""
LEAST = 200
MOST_RANDOM = 100
ACCEPTS = re.compile(r"\bgzip\b")


class CompressionMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith("text/html"):
            _compress(request, response)
        return response


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    if len(response.content) < LEAST or "Content-Encoding" in response.headers:
        return
    patch_vary_headers(response, ("Accept-Encoding",))
    if ACCEPTS.search(request.headers.get("Accept-Encoding", "")):
        response.content = _packed(response.content)
        response.headers["Content-Encoding"] = "gzip"
        if "Content-Length" in response.headers:
            response.headers["Content-Length"] = str(len(response.content))


def _packed(page: bytes) -> bytes:
    """The random bytes stand in gzip's header, as the name of a file (RFC 1952)."""
    packed = gzip.compress(page, LEVEL, mtime=0)
    name = b"a" * secrets.randbelow(MOST_RANDOM) + b"\0"
    return packed[:3] + bytes([gzip.FNAME]) + packed[4:10] + name + packed[10:]
