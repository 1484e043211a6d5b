"""What a person owes now, from every inbox. My tasks and the reminders both read this, so they never disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from django.db.models import DateField, QuerySet

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, standing
from crq import coverage, exemption_tasks, inbox
from crq.circumstances import circumstances
from crq.gathering import Gathered, Read, dated, knowing, with_deadlines
from crq.models import ExemptionRequest
from crq.nudges import nudge_act
from crq.turns import Turns
from deployments import inbox as deployment_inbox
from deployments.live import marked
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from workflow.acts import Act
from workflow.eastern import eastern_day
from workflow.inbox import Task
from workflow.kept import Kept


@dataclass(frozen=True)
class Material:
    """What tasks are computed from. `requests` is None where they are read for the one person."""

    weeks: list[ReleaseWeek]
    gathered: Gathered
    of_scrum_master: list[Task]
    of_administrator: list[Task]
    requests: list[ExemptionRequest] | None = None


@dataclass(frozen=True, eq=False)
class Waiting:
    """What somebody else owes, and the button that reminds them, where it is about a deployment."""

    verb: str
    subject: str
    url: str
    why: str
    who: str
    since: datetime | None
    nudge: Act | None = None

    @classmethod
    def of(cls, task: Task, nudge: Act | None = None) -> Self:
        return cls(task.verb, task.subject, task.url, task.why, task.who, task.since, nudge)


@dataclass(frozen=True)
class Share:
    """What one deployment asks of the person and of others; or what the queue of pull requests does."""

    tasks: list[Task] = field(default_factory=list)
    reviews: list[Task] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    cleared_in: int | None = None


@dataclass(frozen=True)
class Owed:
    """What the person must do, and what their teams wait for."""

    tasks: list[Task]
    waiting: list[Waiting]


def material_for(by: User, *, now: datetime) -> Material:
    """Few statements, however many deployments: only what concerns this person is read."""
    who = standing(by, eastern_day(now))
    is_scrum_master = who.holds(Role.SCRUM_MASTER)
    weeks = _WEEKS_AND_EMAILS if is_scrum_master else _WEEKS
    found = knowing(weeks(since=inbox.oldest_week(now), now=now))
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
    """`material` is this person's own, or that for all: then it is about the person alone, and waits for nobody."""
    shares = _own(by, material, now) if material.requests is None else _of_all(by, material, now)
    who = standing(by, eastern_day(now))
    tasks = [task for each in shares for task in each.tasks] + [task for each in shares for task in each.reviews]
    if who.holds(Role.DEVOPS):
        tasks += deployment_inbox.batches(material.weeks, {each.cleared_in for each in shares}, now=now)
    if who.holds(Role.SCRUM_MASTER):
        tasks += material.of_scrum_master
    if material.requests is None and (who.team_ids() or who.holds(Role.SCRUM_MASTER)):  # those who plan
        tasks += deployment_inbox.unfinished(by=by)
    if who.holds(Role.ADMINISTRATOR):
        tasks += material.of_administrator
    tasks += exemption_tasks.tasks(by, now=now, found=material.requests)
    return Owed(tasks, [each for share in shares for each in share.waiting])


_SHARES: Kept[Read, Share] = Kept(most=16)


def _own(by: User, material: Material, now: datetime) -> list[Share]:
    """Judged anew is only what is not as it was when the person looked last."""
    gathered, review = material.gathered, _next_review(material.weeks, now)
    seen = circumstances(by, gathered.weeks.values(), now)

    def judged(reads: list[Read]) -> Iterator[Share]:
        for facts in gathered.facts_of(reads):
            turns = Turns(facts, by=by, now=seen.now)
            waiting = [Waiting.of(task, nudge_act(turns, by=by, now=seen.now)) for task in inbox.waiting(turns)]
            yield replace(_of_deployment(turns), waiting=waiting)
        if gathered.waiting in reads:
            waiting = [Waiting.of(task) for task in deployment_inbox.unreviewed(gathered.queue, by=by)]
            yield replace(_of_queue(gathered.queue, by, seen.now, review), waiting=waiting)

    return _SHARES.of((seen, review), [*gathered.reads, gathered.waiting], judged)


def _of_all(by: User, material: Material, now: datetime) -> list[Share]:
    facts, queue = inbox.part_of(material.gathered, by, now=now)
    found = [_of_deployment(Turns(each, by=by, now=now)) for each in facts]
    return [*found, _of_queue(queue, by, now, _next_review(material.weeks, now))]


def _of_deployment(turns: Turns) -> Share:
    """Its pull requests are due at the cutoff, while it is planned."""
    deployment, facts = turns.deployment, turns.facts
    tasks = list(inbox.tasks(turns))
    if deployment.status == Deployment.Status.PLANNED:
        due = deployment.week.due(Deadline.CUTOFF)
        return Share(tasks, list(deployment_inbox.reviews(facts.pull_requests, by=turns.by, now=turns.now, due=due)))
    return Share(tasks, cleared_in=deployment.week_id if deployment.status == Deployment.Status.CLEARED else None)


def _of_queue(queue: list[PullRequest], by: User, now: datetime, review: datetime | None) -> Share:
    """Due at the next code review."""
    return Share(reviews=list(deployment_inbox.reviews(queue, by=by, now=now, due=review)))


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
