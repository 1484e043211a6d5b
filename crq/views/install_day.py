"""Install day: Thursday afternoon on one page."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.install_day import install_day
from deployments.models import ReleaseWeek
from workflow import clock


@require_safe
def page(request: HttpRequest, thursday: date) -> HttpResponse:
    now = clock.now()
    weeks = ReleaseWeek.objects.select_related("batch_completed_by").prefetch_related("milestones")
    week = get_object_or_404(weeks, thursday=thursday)
    context = {"now": now, "page": install_day(week, by=person(request), now=now)}
    return render(request, "deployments/install_day.html", context)
