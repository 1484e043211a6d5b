"""Pages that keep themselves fresh: they ask every 20 seconds and are told nothing while nothing changed.

A page carries the mark of what it was made from. While the mark is the same the answer is 204, for one statement
beside those of the session; see docs/adr/0014-live-pages-compare-marks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

from deployments.models import Milestone
from workflow.models import Event

BUCKET = 300
"""Seconds after which a page is made again whatever happened: what no event tells (a new member) is not older."""


@dataclass(frozen=True)
class Live:
    """`address` is asked for the live part alone; `asked` is the mark that the browser has, empty for a whole page."""

    path: str
    filters: dict[str, str]
    mark: str
    asked: str

    @property
    def address(self) -> str:
        return f"{self.path}?{urlencode(self.filters | {'live': self.mark})}"

    @property
    def is_unchanged(self) -> bool:
        return self.asked == self.mark

    @property
    def is_part(self) -> bool:
        """Whether the browser asks for the live part of a page that it already shows."""
        return bool(self.asked)


def live(request: HttpRequest, *, now: datetime) -> Live:
    """What this request is to be answered with. One statement."""
    filters = {key: value for key, value in request.GET.items() if key != "live"}
    asked = request.GET.get("live", "") if request.headers.get("HX-Request") else ""
    return Live(request.path, filters, mark(now), asked)


def unchanged() -> HttpResponse:
    """htmx keeps what is shown."""
    return HttpResponse(status=204)


def mark(now: datetime) -> str:
    """Another one after every recorded event, and when a deadline passes."""
    passed = Milestone.objects.filter(due_at__lt=now).order_by("-due_at").values("due_at")[:1]
    newest = Event.objects.order_by("-pk").annotate(passed=Subquery(passed))
    found = newest.values_list("pk", "passed").first()
    event, due = found or (0, None)
    return f"{event}-{int(due.timestamp()) if due else 0}-{int(now.timestamp()) // BUCKET}"
