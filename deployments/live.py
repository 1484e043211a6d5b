"""Pages that keep themselves fresh: they ask every 20 seconds and are told nothing while nothing changed.

A page carries the mark of what it was made from. While the mark is the same the answer is 204, for one statement
beside those of the session; see docs/adr/0014-live-pages-compare-marks.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import DateTimeField, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from accounts.prepared import Prepared, Slot
from deployments.models import Milestone, ReleaseWeek
from workflow.models import Event

BUCKET = 300
"""Seconds after which a page is made again whatever happened: what no event tells (a new member) is not older."""


class Unchanged(HttpResponse):
    """The answer after which htmx keeps what is shown."""

    status_code = 204


def is_part(request: HttpRequest) -> bool:
    """Whether the browser asks for the live part of a page that it shows already."""
    return "HX-Request" in request.headers and bool(request.GET.get("live"))


def is_current(request: HttpRequest, *, now: datetime) -> bool:
    """Whether what the browser shows is what it would get: answer Unchanged. One statement, none for a whole page."""
    return is_part(request) and request.GET["live"] == mark(now)


def address(request: HttpRequest, mark: str) -> str:
    """What a page made from this mark asks every 20 seconds; filters stay."""
    filters = {key: request.GET[key] for key in request.GET if key != "live"}
    return f"{request.path}?{urlencode(filters | {'live': mark})}"


def mark(now: datetime) -> str:
    """Another one after every recorded event, and when a deadline passes."""
    event, passed = next(iter(_NEWEST(now=now)), (None, None))
    return _mark(event, passed, now)


def marked(weeks: QuerySet[ReleaseWeek]) -> QuerySet[Any]:
    """The weeks with what `mark_of` needs, for pages that read weeks anyway, by a prepared query with a slot `now`."""
    newest = Subquery(Event.objects.order_by("-pk").values("pk")[:1])
    return weeks.annotate(newest_event=newest, last_passed=_passed())


def mark_of(week: Any, now: datetime) -> str:
    return _mark(week.newest_event, week.last_passed, now)


def _passed() -> Subquery:
    return Subquery(
        Milestone.objects.filter(due_at__lt=Slot("now", DateTimeField())).order_by("-due_at").values("due_at")[:1]
    )


_NEWEST = Prepared(lambda: Event.objects.order_by("-pk").annotate(passed=_passed()).values_list("pk", "passed")[:1])


def _mark(event: int | None, passed: datetime | None, now: datetime) -> str:
    return f"{event or 0}-{int(passed.timestamp()) if passed else 0}-{int(now.timestamp()) // BUCKET}"
