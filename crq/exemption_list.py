"""All exemption requests: those that wait for a decision first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.roles import standing
from crq.case import badge
from crq.models import ExemptionRequest
from deployments.policy import Deadline
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_day

PAGE = 50
MOST_IN_A_FILE = 20_000
HEAD = (
    "CRQ", "Title", "Application", "Team", "Week", "State", "Asked by", "Asked at", "Decision due", "Decided by",
    "Decided at", "Decision reason", "Address",
)  # fmt: skip
S = ExemptionRequest.Status
VIEWS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "open": ("Open", Q(status=S.REQUESTED)),
    "granted": ("Granted", Q(status=S.GRANTED)),
    "denied": ("Denied", Q(status__in=[S.DENIED, S.LAPSED])),
}


@dataclass(frozen=True)
class View:
    label: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True)
class Row:
    title: str
    url: str
    meta: str
    badge: Badge
    when: str
    at: datetime
    due: datetime | None


@dataclass(frozen=True)
class Listed:
    views: list[View]
    rows: list[Row]
    page: Page[ExemptionRequest]
    query: str
    csv_url: str


def listed(by: User, *, view: str = "", number: str = "", now: datetime) -> Listed:
    """`view` is one of VIEWS or "mine", anything else shows all. Three statements, and two for the person's roles."""
    views = _views(by, now)
    view = view if view in views else ""
    counts = ExemptionRequest.objects.aggregate(
        **{key or "all": Count("pk", filter=where) for key, (_, where) in views.items()}
    )
    page = Paginator(_found(views[view][1]), PAGE).get_page(number)
    return Listed(
        views=[View(label, _url(key), counts[key or "all"], key == view) for key, (label, _) in views.items()],
        rows=[_row(each) for each in page],
        page=page,
        query=urlencode({"view": view}) if view else "",
        csv_url=f"?{urlencode({'view': view, 'format': 'csv'})}",
    )


def cells(by: User, *, view: str, now: datetime, site: str) -> Iterator[tuple[object, ...]]:
    """The whole view as rows of a spreadsheet, at most MOST_IN_A_FILE of them."""
    views = _views(by, now)
    for each in _found(views.get(view, views[""])[1])[:MOST_IN_A_FILE].iterator(chunk_size=500):
        application = each.crq.deployment.application
        yield (
            each.crq.number, each.crq.title, application, application.team, each.week.thursday,
            each.get_status_display(), each.requested_by, each.requested_at, each.week.due(Deadline.EXEMPTION_CLOSE),
            each.decided_by, each.decided_at, each.decision_reason, site + each.get_absolute_url(),
        )  # fmt: skip


def _views(by: User, now: datetime) -> dict[str, tuple[str, Q]]:
    teams = standing(by, eastern_day(now)).team_ids()
    return VIEWS | ({"mine": ("My teams", Q(crq__deployment__application__team__in=teams))} if teams else {})


def _url(view: str) -> str:
    url = reverse("exemptions")
    return f"{url}?{urlencode({'view': view})}" if view else url


def _found(where: Q) -> QuerySet[ExemptionRequest]:
    """Open ones first, then what was decided; the newest first."""
    is_open = ExpressionWrapper(Q(status=S.REQUESTED), output_field=BooleanField())
    rows = ExemptionRequest.objects.filter(where).annotate(is_open=is_open)
    related = ("crq__deployment__application__team", "week", "requested_by", "decided_by")
    return (
        rows.select_related(*related).prefetch_related("week__milestones").order_by("-is_open", "-requested_at", "-pk")
    )


def _row(request: ExemptionRequest) -> Row:
    application = request.crq.deployment.application
    day = say_day(request.week.install_day or request.week.thursday)
    is_open = request.status == S.REQUESTED
    who = f"decided by {request.decided_by.name}" if request.decided_by else f"asked by {request.requested_by.name}"
    return Row(
        title=request.crq.title,
        url=request.get_absolute_url(),
        meta=f"{request.crq.number} · {application} · {application.team} · install {day} · {who}",
        badge=badge(request),
        when="Closes" if is_open else "Decided" if request.decided_at else "Asked",
        at=request.decided_at or request.requested_at,
        due=request.week.due(Deadline.EXEMPTION_CLOSE) if is_open else None,
    )
