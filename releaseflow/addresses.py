"""Addresses that can name nothing: what no database stores, and keys that no row can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

LARGEST_KEY = 2**63 - 1


class AddressMiddleware:
    """Answers 404 before a view asks the database, which would raise: PostgreSQL for NUL, SQLite for a larger key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> None:
        if any(_names_nothing(value) for value in kwargs.values()):
            raise Http404


def _names_nothing(value: object) -> bool:
    return "\0" in value if isinstance(value, str) else isinstance(value, int) and value > LARGEST_KEY
