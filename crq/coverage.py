"""Coverage: whether anybody could approve what is planned, looked at from three days before a Tuesday deadline on.

A deputy is bound by the rules of the manager they act for (`guards.not_own_change`): where every manager of the team
has a part in the change, no deputy of theirs can approve it either. So it is the managers who are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import Membership, User
from accounts.roles import Role, people
from crq.gathering import page_url
from crq.readiness import Facts
from deployments.flow import lock_deployment
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from notifications.outbox import enqueue
from workflow.eastern import eastern_day, say_instant
from workflow.inbox import Task

AHEAD = timedelta(days=3)


@dataclass(frozen=True)
class Gap:
    """A planned deployment whose CRQ nobody could approve on the day of the deadline, and why."""

    deployment: Deployment
    due: datetime
    sentence: str


def gaps(now: datetime) -> list[Gap]:
    """In the order of the weeks. Four statements, however many deployments are planned."""
    planned = list(_planned(now))
    managers = _managers({each.application.team_id for each in planned}) if planned else {}
    return [gap for each in planned if (gap := _gap(each, managers.get(each.application.team_id, []), now))]


def tasks(found: Iterable[Gap]) -> Iterator[Task]:
    """For the Scrum Master."""
    for gap in found:
        yield Task("Find an approver for", gap.deployment.title, page_url(Facts(gap.deployment)), gap.sentence, gap.due)


def warn_coverage(now: datetime) -> int:
    """Tells the Scrum Masters of every gap, once for each deployment and week; returns how many letters it wrote."""
    written = 0
    for gap in gaps(now):
        with transaction.atomic():
            lock_deployment(gap.deployment.pk)  # of two schedulers the second one sees what the first one wrote
            written += _warn(gap, now)
    return written


def _warn(gap: Gap, now: datetime) -> bool:
    deployment = gap.deployment
    context = {
        "deployment": deployment,
        "crq": Facts(deployment).crq,
        "week": deployment.week,
        "url": settings.SITE_URL + page_url(Facts(deployment)),
        "sentence": gap.sentence,
    }
    key = f"coverage_warning:{deployment.pk}:{deployment.week_id}"
    to = people(Role.SCRUM_MASTER, on=eastern_day(now))
    return enqueue("coverage_warning", context, to=to, key=key, now=now) is not None


def _planned(now: datetime) -> QuerySet[Deployment]:
    """What is planned for weeks whose first Tuesday deadline is three days ahead or less, and whose last is ahead."""
    near = ReleaseWeek.objects.filter(milestones__key=Deadline.CUTOFF, milestones__due_at__lte=now + AHEAD)
    weeks = near.filter(milestones__key=Deadline.APPROVAL, milestones__due_at__gte=now)
    planned = Deployment.objects.filter(week__in=weeks, status=Deployment.Status.PLANNED)
    return (
        planned.select_related("application__team", "week", "crq__opened_by")
        .prefetch_related("week__milestones", Prefetch("pull_requests", PullRequest.objects.select_related("author")))
        .order_by("week__thursday", "pk")
    )


def _managers(teams: set[int]) -> dict[int, list[User]]:
    found: dict[int, list[User]] = defaultdict(list)
    held = Membership.objects.filter(role=Role.MANAGER, team__in=teams, user__is_active=True).select_related("user")
    for membership in held.order_by("user__first_name", "user__last_name", "user_id"):
        found[membership.team_id].append(membership.user)
    return found


def _gap(deployment: Deployment, managers: list[User], now: datetime) -> Gap | None:
    due = deployment.week.due(Deadline.APPROVAL)
    parts = _parts(deployment)
    if due is None or any(manager.pk not in parts for manager in managers):
        return None
    because = _because(deployment, managers, parts)
    return Gap(deployment, due, f"Nobody can approve it by {say_instant(due, now=now)}: {because}")


def _parts(deployment: Deployment) -> dict[int, str]:
    """Who has a part in the change and may not approve it, and which."""
    found = {pull.author_id: "wrote a pull request on it" for pull in deployment.pull_requests.all() if pull.author_id}
    crq = Facts(deployment).crq
    return found | ({crq.opened_by_id: "opened the CRQ"} if crq else {})


def _because(deployment: Deployment, managers: list[User], parts: dict[int, str]) -> str:
    team = deployment.application.team
    if not managers:
        return f"{team} has no Dev Manager."
    own = " and ".join(f"{manager.name} {parts[manager.pk]}" for manager in managers)
    return f"{own}. {team} needs another Dev Manager."
