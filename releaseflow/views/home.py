"""My tasks, and the way to the week that people are in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.person import person
from deployments.live import Unchanged, address, is_current, is_part
from deployments.models import ReleaseWeek
from deployments.weeks import week_now
from releaseflow.home import home
from workflow import clock


@require_safe
def my_tasks(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    if is_current(request, now=now):
        return Unchanged()
    found = home(person(request), now=now)
    context = {
        "now": now,
        "page": found,
        "tasks": found.count,
        "live_url": address(request, found.mark),
    }
    return render(request, f"releaseflow/{'_tasks' if is_part(request) else 'my_tasks'}.html", context)


@require_safe
def weeks(request: HttpRequest) -> HttpResponse:
    """The week people are in; when all are over, the last one. The filter of a saved view goes along."""
    week = week_now(clock.now()) or ReleaseWeek.objects.last()
    if week is None:
        messages.info(request, "No release week is open yet. An administrator opens the first ones.")
        return redirect("my-tasks")
    query = request.GET.urlencode()
    return redirect(f"{week.get_absolute_url()}?{query}" if query else week.get_absolute_url())
