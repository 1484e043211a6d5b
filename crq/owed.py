"""What a person owes now, from every inbox. My tasks and the reminders both read this, so they never disagree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import DateField, QuerySet

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, standing
from crq import coverage, exemption_tasks, inbox
from crq.gathering import Gathered, collated, dated, with_deadlines
from crq.models import ExemptionRequest
from crq.turns import Turns
from deployments import inbox as deployment_inbox
from deployments.live import marked
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import eastern_day
from workflow.inbox import Task


@dataclass(frozen=True)
class Material:
    """What tasks are computed from. `requests` is None where they are read for the one person."""

    weeks: list[ReleaseWeek]
    gathered: Gathered
    of_scrum_master: list[Task]
    of_administrator: list[Task]
    requests: list[ExemptionRequest] | None = None


@dataclass(frozen=True)
class Owed:
    """What the person must do; and where it was found, for what others must do: turns and waiting pull requests."""

    tasks: list[Task]
    turns: list[Turns]
    queue: list[PullRequest]


def material_for(by: User, *, now: datetime) -> Material:
    """Few statements, however many deployments: only what concerns this person is read."""
    who = standing(by, eastern_day(now))
    is_scrum_master = who.holds(Role.SCRUM_MASTER)
    weeks = _WEEKS_AND_EMAILS if is_scrum_master else _WEEKS
    found = collated(weeks(since=inbox.oldest_week(now), now=now))
    office = _of_scrum_master(found, now) if is_scrum_master else []
    years = list(deployment_inbox.unconfirmed_years(now=now)) if who.holds(Role.ADMINISTRATOR) else []
    return Material(found, inbox.concerning(by, found, now=now), office, years)


def _weeks() -> QuerySet[ReleaseWeek]:
    return with_deadlines(marked(inbox.weeks_since(Slot("since", DateField()))))


_WEEKS, _WEEKS_AND_EMAILS = Prepared(_weeks), Prepared(lambda: inbox.with_announcements(_weeks()))


def material_for_all(now: datetime) -> Material:
    """As many statements for all people as for one who holds every role."""
    weeks = dated(inbox.with_announcements(inbox.recent_weeks(now)))
    requests = list(exemption_tasks.requests())
    years = list(deployment_inbox.unconfirmed_years(now=now))
    return Material(weeks, inbox.of_everybody(weeks, now=now), _of_scrum_master(weeks, now), years, requests)


def owed(by: User, material: Material, *, now: datetime) -> Owed:
    """`material` is this person's own, or that for all."""
    who = standing(by, eastern_day(now))
    gathered = material.gathered if material.requests is None else inbox.part_of(material.gathered, by, now=now)
    turns = [Turns(facts, by=by, now=now) for facts in gathered.facts]
    tasks = [*inbox.tasks(turns), *_reviews(by, turns, gathered, material.weeks, now)]
    if who.holds(Role.DEVOPS):
        cleared = {each.deployment.week_id for each in turns if each.deployment.status == Deployment.Status.CLEARED}
        tasks += deployment_inbox.batches(material.weeks, cleared, now=now)
    if who.holds(Role.SCRUM_MASTER):
        tasks += material.of_scrum_master
    if material.requests is None and (who.team_ids() or who.holds(Role.SCRUM_MASTER)):  # those who plan
        tasks += deployment_inbox.unfinished(by=by)
    if who.holds(Role.ADMINISTRATOR):
        tasks += material.of_administrator
    tasks += exemption_tasks.tasks(by, now=now, found=material.requests)
    return Owed(tasks, turns, gathered.queue)


def _reviews(by: User, turns: list[Turns], gathered: Gathered, weeks: list[ReleaseWeek], now: datetime) -> list[Task]:
    """Pull requests of planned deployments are due at their cutoff, those of the queue at the next code review."""
    planned = [each for each in turns if each.deployment.status == Deployment.Status.PLANNED]
    due: dict[int | None, datetime | None] = {
        each.deployment.pk: each.deployment.week.due(Deadline.CUTOFF) for each in planned
    }
    due[None] = _next_review(weeks, now)
    pull_requests = [pull for each in planned for pull in each.facts.pull_requests] + gathered.queue
    return list(deployment_inbox.reviews(pull_requests, by=by, now=now, due=due))


def _next_review(weeks: list[ReleaseWeek], now: datetime) -> datetime | None:
    dues = (week.due(Deadline.CODE_REVIEW) for week in weeks)
    return min((due for due in dues if due and due >= now), default=None)


def _of_scrum_master(weeks: list[ReleaseWeek], now: datetime) -> list[Task]:
    scheduled = deployment_inbox.scheduled_reviews(now)
    return [
        *deployment_inbox.weekly_reviews(scheduled, now=now),
        *deployment_inbox.stranded(now=now),
        *inbox.announcements(weeks, now=now),
        *coverage.tasks(coverage.gaps(now)),
    ]
