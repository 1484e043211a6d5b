"""Activity: the list with its filter, one event, and the files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.population import HEAD
from crq.population import population as deployments_of
from releaseflow.activity import export, page
from releaseflow.activity.filters import FilterForm, visible
from workflow import clock
from workflow.models import Event
from workflow.spreadsheet import spreadsheet


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`before` and `after` are keys of events."""
    form = FilterForm(request.GET)
    found = page.listed(
        visible(form.found(), person(request)), before=_key(request, "before"), after=_key(request, "after")
    )
    context = {"form": form, "page": found, "now": clock.now()}
    return render(request, "activity/activity.html", context, status=422 if form.errors else 200)


@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    events = visible(Event.objects.select_related("actor", "for_user"), person(request))
    found = get_object_or_404(events, pk=pk)
    return render(request, "activity/event.html", {"page": page.single(found), "now": clock.now()})


@require_safe
def download(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All that the filter finds, as CSV or JSON lines."""
    form = FilterForm(request.GET)
    found = visible(form.found(), person(request))
    if form.errors:
        return index(request)
    return export.as_csv(found) if kind == "csv" else export.as_jsonl(found)


@require_safe
def population(request: HttpRequest) -> HttpResponseBase:
    """Every deployment of the filter's period, whatever else it asks for."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        return index(request)
    since, until = form.cleaned_data["since"], form.cleaned_data["until"]
    return spreadsheet("deployments", HEAD, deployments_of(since, until))


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
