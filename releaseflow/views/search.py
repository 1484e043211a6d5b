"""Search, as a page and as the list under the search field."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.person import person
from releaseflow.search import FEW, MOST, cleaned, exact, search
from workflow import clock


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """`?q=`. A CRQ's number or a pull request's address opens what it names; typing alone never leaves the page."""
    q, typing = cleaned(request.GET.get("q", "")), "HX-Request" in request.headers
    if not typing and (url := exact(q)):
        return redirect(url)
    now = clock.now()
    found = search(q, by=person(request), now=now, most=FEW if typing else MOST)
    template = f"releaseflow/{'_hits' if typing else 'search'}.html"
    return render(request, template, {"now": now, "found": found})
