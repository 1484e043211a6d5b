"""All CRQs, newest first."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.crq_list import HEAD, Asked, cells, listed
from crq.models import CRQ
from workflow import clock
from workflow.spreadsheet import spreadsheet


@require_safe
def crqs(request: HttpRequest) -> HttpResponseBase:
    """A whole number in `?q=` opens its CRQ; `?format=csv` gives what the filters leave as a spreadsheet."""
    asked, by, now = Asked.of(request.GET.dict()), person(request), clock.now()
    if exact := CRQ.objects.filter(number=asked.q.upper()).first() if asked.q else None:
        return redirect(exact)
    if request.GET.get("format") == "csv":
        return spreadsheet("crqs", HEAD, cells(asked, by=by, now=now, site=settings.SITE_URL))
    context = {"list": listed(asked, by=by, now=now), "system": settings.CHANGE_SYSTEM, "now": now}
    return render(request, "crq/crqs.html", context)
