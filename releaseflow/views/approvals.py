"""Approving several CRQs at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.person import person
from releaseflow.approvals import Result, approve, ready
from workflow import clock

PREFIX = "digest-"


@require_http_methods(["GET", "HEAD", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """`?crq=` (any number of them) ticks only those. After a POST the page says of each what became of it."""
    results: list[Result] = []
    problem = ""
    if request.method == "POST":
        numbers = request.POST.getlist("crq")
        digests = {number: request.POST.get(f"{PREFIX}{number}", "") for number in numbers}
        results = approve(numbers, digests, by=person(request))
        problem = "" if results else "Tick at least one CRQ."
    now = clock.now()
    found = ready(person(request), now=now, chosen=request.GET.getlist("crq"))
    context = {"now": now, "ready": found, "results": results, "problem": problem}
    return render(request, "releaseflow/approvals.html", context, status=422 if problem else 200)
