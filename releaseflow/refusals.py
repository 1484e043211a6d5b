"""Refused actions become words: a message beside the unchanged page, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from workflow.navigation import came_from
from workflow.steps import Refused


class RefusalMiddleware:
    """Answers a refused action with the page it came from and the sentence that says why."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError) and _stood_in_each_others_way(error):
            return render(request, "409.html", status=409)
        if not isinstance(error, Refused):
            return None
        level = messages.INFO if error.refusal.code == "done" else messages.ERROR
        messages.add_message(request, level, error.refusal.sentence)
        return HttpResponseRedirect(came_from(request))


def _stood_in_each_others_way(error: OperationalError) -> bool:
    """Whether the database ended this action because it and another one waited for each other."""
    return getattr(error.__cause__, "pgcode", "") in {"40P01", "40001"}
