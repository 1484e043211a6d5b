"""How the other change system and we agree, for everybody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.change_system.differences import HEAD, cells, sections
from workflow import clock
from workflow.spreadsheet import spreadsheet


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """`?format=csv` gives all of it as a spreadsheet. Where CRQs are carried over by hand, the page says so."""
    now, by, access = clock.now(), person(request), settings.CHANGE_SYSTEM
    if request.GET.get("format") == "csv":
        return spreadsheet("changes", HEAD, cells(now))
    found = sections(by=by, now=now) if access else []
    return render(request, "crq/changes.html", {"now": now, "system": access.name if access else "", "sections": found})
