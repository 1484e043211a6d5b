"""All exemption requests: those that wait for a decision first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Count, ExpressionWrapper, Func, Q, QuerySet, Value

from accounts.models import User
from accounts.prepared import Prepared, among
from accounts.roles import standing
from crq.case import badge
from crq.models import ExemptionRequest
from deployments.policy import Deadline
from workflow.addresses import address
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_day

PAGE = 50
MOST_IN_A_FILE = 20_000
HEAD = (
    "CRQ", "Title", "Application", "Team", "Week", "State", "Asked by", "Asked at", "Decision due", "Decided by",
    "Decided at", "Decision reason", "Address",
)  # fmt: skip
S = ExemptionRequest.Status
VIEWS = {
    "": Q(),
    "open": Q(status=S.REQUESTED),
    "granted": Q(status=S.GRANTED),
    "denied": Q(status__in=[S.DENIED, S.LAPSED]),
}
MINE = "mine"
TEAM = "crq__deployment__application__team"
LABELS = {"": "All", "open": "Open", "granted": "Granted", "denied": "Denied", MINE: "My teams"}


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
    page: Page[int]
    query: str
    csv_url: str


def listed(by: User, *, view: str = "", number: str = "", now: datetime) -> Listed:
    """`view` is one of VIEWS or MINE, anything else shows all.

    One statement for the numbers, two where there are rows, and one for the person's roles.
    """
    teams = standing(by, eastern_day(now)).team_ids()
    offered = [key for key in (*VIEWS, MINE) if key != MINE or teams]
    view = view if view in offered else ""
    counts = dict(zip((*VIEWS, MINE), *_COUNTS(teams=teams), strict=True))
    page = Paginator(range(counts[view]), PAGE).get_page(number)
    rows = _rows(view, page.number)(teams=teams) if counts[view] else []
    return Listed(
        views=[View(LABELS[key], _url(key), counts[key], key == view) for key in offered],
        rows=[_row(each) for each in rows],
        page=page,
        query=urlencode({"view": view}) if view else "",
        csv_url=f"?{urlencode({'view': view, 'format': 'csv'})}",
    )


def cells(by: User, *, view: str, now: datetime, site: str) -> Iterator[tuple[object, ...]]:
    """The whole view as rows of a spreadsheet, at most MOST_IN_A_FILE of them."""
    teams = standing(by, eastern_day(now)).team_ids()
    of_mine = Q(**{f"{TEAM}__in": teams})
    where = of_mine if view == MINE and teams else VIEWS.get(view, Q())
    for each in _found(where)[:MOST_IN_A_FILE].iterator(chunk_size=500):
        application = each.crq.deployment.application
        yield (
            each.crq.number, each.crq.title, application, application.team, each.week.thursday,
            each.get_status_display(), each.requested_by, each.requested_at, each.week.due(Deadline.EXEMPTION_CLOSE),
            each.decided_by, each.decided_at, each.decision_reason, site + each.get_absolute_url(),
        )  # fmt: skip


def _url(view: str) -> str:
    url = address("exemptions")
    return f"{url}?{urlencode({'view': view})}" if view else url


def _of_my_teams() -> Func:
    return among(TEAM, "teams")


def _counts() -> QuerySet[Any, Any]:
    """How many each of VIEWS has, and those of one's teams last."""
    wheres: tuple[Q | Func, ...] = (*VIEWS.values(), _of_my_teams())
    counts = {f"of_{place}": Count("pk", filter=where) for place, where in enumerate(wheres)}
    together = ExemptionRequest.objects.order_by().values(together=Value(1))
    return together.annotate(**counts).values_list(*counts)


_COUNTS = Prepared(_counts)


@lru_cache(maxsize=32)
def _rows(view: str, number: int) -> Prepared[ExemptionRequest]:
    """One page of a view; a page number is part of the SQL."""
    where = _of_my_teams() if view == MINE else VIEWS[view]
    return Prepared(lambda: _found(where)[(number - 1) * PAGE : number * PAGE])


def _found(where: Q | Func) -> QuerySet[ExemptionRequest]:
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
