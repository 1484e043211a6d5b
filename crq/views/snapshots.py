"""The evidence of a week's deadlines."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crq.snapshot_page import page
from workflow import clock


@require_safe
def snapshots(request: HttpRequest, thursday: date) -> HttpResponse:
    now = clock.now()
    found = page(thursday, now=now)
    if found is None:
        raise Http404("There is no such release week.")
    return render(request, "crq/snapshot.html", {"page": found, "now": now})
