"""The home pages: my tasks and the week board."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.board import board as week_board
from deployments.models import ReleaseWeek
from deployments.weeks import week_now
from releaseflow.context import navigation
from releaseflow.home import home
from workflow import clock


@require_safe
def my_tasks(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    found = home(person(request), now=now)
    context = {
        "now": now,
        "nav": navigation(request, now=now, tasks=found.count),
        "groups": found.groups,
        "waiting": found.waiting,
        "subtitle": found.subtitle,
        "empty_sentence": found.empty_sentence,
    }
    return render(request, "releaseflow/my_tasks.html", context)


@require_safe
def weeks(request: HttpRequest) -> HttpResponse:
    """The week people are in; when all are over, the last one."""
    week = week_now(clock.now()) or ReleaseWeek.objects.last()
    if week is None:
        messages.info(request, "No release week is open yet. An administrator opens the first ones.")
        return redirect("my-tasks")
    return redirect(week)


@require_safe
def board(request: HttpRequest, thursday: date) -> HttpResponse:
    """`?view=` is one of `crq.board.VIEWS`; anything else shows all."""
    now = clock.now()
    found = week_board(thursday, by=person(request), now=now, view=request.GET.get("view", ""))
    if found is None:
        raise Http404("There is no such release week.")
    context = {"now": now, "nav": navigation(request, now=now), "board": found}
    return render(request, "releaseflow/board.html", context)
