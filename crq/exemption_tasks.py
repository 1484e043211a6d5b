"""Tasks that come from exemptions: to decide one, and to choose a new week after a denial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role, standing
from crq.models import ExemptionRequest
from deployments.models import Deployment, Milestone
from deployments.policy import Deadline
from workflow.eastern import eastern_day
from workflow.inbox import Task

S = ExemptionRequest.Status
REFUSED = (S.DENIED, S.LAPSED)


def tasks(by: User, *, now: datetime, found: Iterable[ExemptionRequest] | None = None) -> Iterator[Task]:
    """Of what was `found` for everybody; else one statement for a director or manager, none for others."""
    who = standing(by, eastern_day(now))
    decides, teams = who.holds(Role.DIRECTOR), who.team_ids(Role.MANAGER)
    if not decides and not teams:
        return
    for request in requests(decides=decides, teams=teams) if found is None else found:
        if request.status == S.REQUESTED and decides:
            yield _decide(request, request.close)  # type: ignore[attr-defined]
        elif request.status in REFUSED and request.crq.deployment.application.team_id in teams:
            yield _choose_a_week(request)


def requests(*, decides: bool = True, teams: set[int] | None = None) -> QuerySet[ExemptionRequest]:
    """What waits for the director, and what a manager of these teams (of any, without them) must move."""
    refused = Q(status__in=REFUSED, crq__deployment__status=Deployment.Status.HELD, crq__deployment__week=F("week"))
    if teams is not None:
        refused &= Q(crq__deployment__application__team__in=teams)
    wanted = refused | Q(status=S.REQUESTED) if decides else refused
    close = Milestone.objects.filter(week=OuterRef("week"), key=Deadline.EXEMPTION_CLOSE).values("due_at")
    found = ExemptionRequest.objects.filter(wanted).annotate(close=Subquery(close))
    return found.select_related("crq__deployment__application", "week", "requested_by").order_by("requested_at", "pk")


def _decide(request: ExemptionRequest, due: datetime | None) -> Task:
    return Task(
        verb="Decide the exemption for",
        subject=request.crq.title,
        url=request.get_absolute_url(),
        why=f"{request.requested_by.name} asked for it; without a decision it lapses",
        due=due,
        since=request.requested_at,
    )


def _choose_a_week(request: ExemptionRequest) -> Task:
    denied = request.status == S.DENIED
    return Task(
        verb="Choose a new week for",
        subject=request.crq.title,
        url=reverse("move", args=[request.crq.deployment_id]),
        why="The exemption was denied" if denied else "Nobody decided about the exemption in time",
        due=request.week.due(Deadline.INSTALL_CLOSE),
        since=request.decided_at,
    )
