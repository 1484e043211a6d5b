"""Whoever is signed out while filling in a form comes back to that form, not to the address that only takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from workflow.navigation import came_from

SAYS = "You were signed out before this was saved. Sign in, then send it again: this browser kept what you typed."


class SignedOutMiddleware(LoginRequiredMiddleware):
    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        answer = super().handle_no_permission(request, view_func)
        if request.method in {"GET", "HEAD"}:
            return answer
        messages.warning(request, SAYS)
        back: Any = came_from(request)
        return redirect_to_login(back, self.get_login_url(view_func), self.get_redirect_field_name(view_func))
