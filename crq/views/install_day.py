"""Install day: Thursday afternoon on one page, on the desk and on the wall."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.install_day import install_day, week_of
from crq.install_rows import is_text
from crq.models import Document
from crq.views.documents import as_attached
from deployments.live import Unchanged, address, is_current, is_part, mark_of
from workflow import clock
from workflow.steps import Refused

LONGEST_TEXT = 200_000
# Seconds. Nobody stands at the wall to press reload: without scripts, or after a lost connection, it comes by itself.
RELOAD_WALL = 60
TEMPLATES = {
    (False, False): "deployments/install_day.html",
    (False, True): "deployments/_install_live.html",
    (True, False): "deployments/install_wall.html",
    (True, True): "deployments/_install_wall.html",
}


@require_safe
def page(request: HttpRequest, thursday: date) -> HttpResponse:
    """`?view=wall` is for a screen in a meeting room."""
    now = clock.now()
    if is_current(request, now=now):
        return Unchanged()
    week = week_of(thursday, now=now)
    if week is None:
        raise Http404("There is no such release week.")
    wall, part = request.GET.get("view") == "wall", is_part(request)
    live_url = address(request, mark_of(week, now))
    context = {"now": now, "page": install_day(week, by=person(request), now=now), "live_url": live_url}
    answer = render(request, TEMPLATES[wall, part], context)
    if wall and not part:
        answer.headers["Refresh"] = str(RELOAD_WALL)
    return answer


@require_safe
def document_text(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """The words of a document that is plain text, to read in place, or why its file is not given out."""
    document = get_object_or_404(Document, pk=pk, crq__number=number)
    if not is_text(document.name):
        raise Http404("This document is no plain text.")
    try:
        with as_attached(document) as opened:
            text = opened.read(LONGEST_TEXT).decode(errors="replace")
    except Refused as refused:
        return render(request, "deployments/_document_text.html", {"why_not": refused.refusal.sentence})
    context = {"text": text, "shortened": document.size > LONGEST_TEXT}
    return render(request, "deployments/_document_text.html", context)
