"""How long a session lasts: SESSION_HOURS in all, SESSION_IDLE_MINUTES without use. By this machine's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from workflow import clock

SINCE, SEEN = "signed_in_at", "seen_at"
NOTED = 300
"""Seconds. Use is written down no more often than this, so that most pages do not write at all."""


class LifetimeMiddleware:
    """Stands after the sign-in. Django ends what was not used for SESSION_COOKIE_AGE; this ends what is too old."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SINCE in request.session:
            if clock.machine() >= request.session[SINCE] + settings.SESSION_LIFETIME:
                logout(request)
            elif clock.machine() >= request.session[SEEN] + NOTED:
                request.session[SEEN] = int(clock.machine())
        return self.get_response(request)


@receiver(user_logged_in)
def begin(request: HttpRequest, **kwargs: Any) -> None:
    """Every way of signing in comes through here. A session that is older than this has no lifetime, and ends idle."""
    session: SessionBase = request.session
    session[SINCE] = session[SEEN] = int(clock.machine())
