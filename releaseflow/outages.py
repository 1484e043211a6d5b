"""When the database does not answer: a page for people, made without it."""

from __future__ import annotations

import logging

from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from releaseflow.logs import shown_path
from workflow.navigation import came_from

logger = logging.getLogger(__name__)
RETRY_AFTER = 30  # seconds
POSTGRESQL = ("08", "53", "57P")
"""Classes of its codes: connection lost; out of room or of connections; shutting down or starting."""
SQLITE = ("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def is_outage(error: BaseException | None) -> bool:
    """Whether the database was out of reach, out of room or too busy, whatever it was asked."""
    if not isinstance(error, Error):
        return False
    name, code = getattr(error.__cause__, "sqlite_errorname", ""), getattr(error.__cause__, "pgcode", "")
    if name or code:
        return str(name).startswith(SQLITE) or str(code).startswith(POSTGRESQL)
    return isinstance(error, InterfaceError | OperationalError)  # no answer has no code


def page(request: HttpRequest) -> HttpResponse:
    """No context processor runs for it: those ask for the person, and so for the database."""
    logger.error("The database is out of reach: %s %s", request.method, shown_path(request))
    back = request.get_full_path() if request.method == "GET" else came_from(request)
    context = {"request": request, "csp_nonce": getattr(request, "csp_nonce", ""), "back": back}
    response = HttpResponse(render_to_string("503.html", context), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    return response
