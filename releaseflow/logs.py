"""Logs to standard output, one JSON object a line; what belongs to a request carries its id and who asked.

The id is the proxy's X-Request-ID where it is a plain word, else a new one, and goes back in the answer.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

OPENING = {"key", "token"}
"""Parts of addresses that open something by themselves, as the routes name them."""
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
request_id: ContextVar[str] = ContextVar("request_id", default="")
actor_id: ContextVar[int | None] = ContextVar("actor_id", default=None)
logger = logging.getLogger("releaseflow.request")


class Around(logging.Filter):
    """Gives every record the request's id and the person's key, if any, and takes the request itself out."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id, record.actor_id = request_id.get(), actor_id.get()
        request = record.__dict__.pop("request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            record.args = tuple(shown_path(request) if each == request.path else each for each in record.args)
        return True


class RequestIdMiddleware:
    """Stands before everything that may log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        found = given if PLAIN_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(found)
        started = perf_counter()
        try:
            response = self.get_response(request)
            _log(request, response, started)
        finally:
            actor_id.set(None)
            request_id.reset(token)
        response["X-Request-ID"] = found
        return response


class ActorMiddleware:
    """Stands after the sign-in, and remembers who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.get(SESSION_KEY)
        actor_id.set(int(key) if key else None)
        return self.get_response(request)


def shown_path(request: HttpRequest) -> str:
    """Without what opens a calendar, a new password or an invitation: who reads the log must not hold it."""
    given = request.resolver_match.kwargs if request.resolver_match else {}
    path = request.path
    for name in OPENING & given.keys():
        path = path.replace(str(given[name]), "***")
    return path


def _log(request: HttpRequest, response: HttpResponse, started: float) -> None:
    """One line a request, without the query: people search for things that are nobody's business."""
    level = logging.DEBUG if request.path.startswith("/static/") else logging.INFO
    spent = round((perf_counter() - started) * 1000)
    path = shown_path(request)
    facts = {"method": request.method, "path": path, "status": response.status_code, "ms": spent}
    logger.log(level, "%s %s %s", request.method, path, response.status_code, extra=facts)


def config(level: str, style: str) -> dict[str, Any]:
    """For Django's LOGGING; `style` is "json" or "plain"."""
    keys = "%(levelname)s %(name)s %(message)s %(request_id)s %(actor_id)s"
    formatters: dict[str, Any] = {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": keys,
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": "at",
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"around": {"()": "releaseflow.logs.Around"}},
        "formatters": formatters,
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": style, "filters": ["around"]}},
        "loggers": {"django.request": {"level": "ERROR"}},  # 404 and the like stand in the request's own line
        "root": {"handlers": ["console"], "level": level},
    }
