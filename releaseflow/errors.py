"""What people see when something cannot be shown: what happened, what is safe, what to do."""

from __future__ import annotations

import logging
import re
import sys
from secrets import token_hex

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.utils.html import escape

from crq.uploads import megabytes
from releaseflow import outages
from releaseflow.logs import shown_path

logger = logging.getLogger(__name__)
BARE = "<!DOCTYPE html><html lang='en'><title>Something went wrong</title><h1>Something went wrong here</h1><p>{}</p>"
SAFE = "What was saved before is safe. Try again; if it happens again, quote {} to whoever runs this site."


TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django calls everything that it would not even read a bad request; most often it is too large."""
    if isinstance(exception, TOO_LARGE):
        return render(request, "413.html", {"megabytes": megabytes()}, status=413)
    return render(request, "400.html", status=400)


def too_many(request: HttpRequest) -> HttpResponse:
    """Somebody, or everybody at one address, tried to sign in too often."""
    return render(request, "429.html", status=429)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Offers to find what the address speaks of: its words are in the field already."""
    words = " ".join(re.findall(r"[A-Za-z0-9]{3,}", request.path))[-60:]
    return render(request, "404.html", {"looked_for": words}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """The reference stands in the log beside the address, after the traceback that Django writes there.

    Django calls this while it handles the error, so `sys.exception()` is the one that nobody else answered.
    """
    if outages.is_outage(sys.exception()):
        return outages.page(request)
    reference = token_hex(4).upper()
    logger.error("Reference %s: %s %s", reference, request.method, shown_path(request))
    try:
        return render(request, "500.html", {"reference": reference}, status=500)
    except Exception:  # the page needs a database and a session, and one of them may be what is broken
        logger.exception("Reference %s: the error page itself failed", reference)
        return HttpResponseServerError(BARE.format(escape(SAFE.format(reference))))


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token that says it is ours. `reason` is for the log, where Django has written it."""
    return render(request, "403_csrf.html", status=403)
