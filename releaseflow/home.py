"""My tasks: what one person owes, from every app's inbox, grouped by when it is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import User
from accounts.roles import Role, Standing, standing
from crq import coverage, exemption_tasks
from crq import inbox as change_inbox
from crq.deadlines import JUDGED
from crq.gathering import dated
from crq.turns import Turns
from deployments import inbox as deployment_inbox
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import WEEKDAYS, eastern_day, say_near, say_time, to_eastern
from workflow.inbox import Task

WHAT_IS_DUE = {
    Deadline.CUTOFF: "pull requests and CRQs",
    Deadline.APPROVAL: "documents, release branches and CRQ approvals",
    Deadline.INSTALL_CLOSE: "installs and their verification",
}


@dataclass(frozen=True)
class Line:
    """A task as the page shows it."""

    verb: str
    subject: str
    url: str
    why: str
    due: datetime | None
    late: bool


@dataclass(frozen=True)
class Group:
    label: str
    tasks: list[Line]


@dataclass(frozen=True)
class Home:
    """`empty_sentence` is there only when nothing is owed."""

    groups: list[Group] = field(default_factory=list)
    waiting: list[Task] = field(default_factory=list)
    subtitle: str = ""
    empty_sentence: str = ""

    @property
    def count(self) -> int:
        return sum(len(group.tasks) for group in self.groups)


def home(by: User, *, now: datetime) -> Home:
    """Few statements, however many deployments; the tests count them by role."""
    weeks = _weeks(by, now)
    owed, waiting = _of_deployments(by, weeks, now)
    owed += [*_of_scrum_master(by, weeks, now), *exemption_tasks.tasks(by, now=now)]
    if _who(by, now).team_ids() or _who(by, now).holds(Role.SCRUM_MASTER):  # those who plan
        owed += deployment_inbox.unfinished(by=by)
    groups = _grouped(owed, now)
    return Home(
        groups=groups,
        waiting=sorted(waiting, key=lambda task: (task.since is None, task.since)),
        subtitle=_subtitle(owed, now),
        empty_sentence="" if owed else _next_deadline(weeks, now),
    )


def _weeks(by: User, now: datetime) -> list[ReleaseWeek]:
    weeks = change_inbox.recent_weeks(now)
    return dated(change_inbox.with_announcements(weeks) if _who(by, now).holds(Role.SCRUM_MASTER) else weeks)


def _who(by: User, now: datetime) -> Standing:
    return standing(by, eastern_day(now))


def _of_deployments(by: User, weeks: list[ReleaseWeek], now: datetime) -> tuple[list[Task], list[Task]]:
    """What this person owes for deployments and pull requests, and what others owe to their teams."""
    gathered = change_inbox.concerning(by, weeks, now=now)
    turns = [Turns(facts, by=by, now=now) for facts in gathered.facts]
    planned = [each for each in turns if each.deployment.status == Deployment.Status.PLANNED]
    due: dict[int | None, datetime | None] = {
        each.deployment.pk: each.deployment.week.due(Deadline.CUTOFF) for each in planned
    }
    pull_requests = [pull for each in planned for pull in each.facts.pull_requests] + gathered.queue
    owed = [
        *change_inbox.tasks(turns),
        *deployment_inbox.reviews(pull_requests, by=by, now=now, due=due | {None: _next_review(weeks, now)}),
    ]
    if _who(by, now).holds(Role.DEVOPS):
        cleared = {each.deployment.week_id for each in turns if each.deployment.status == Deployment.Status.CLEARED}
        owed += deployment_inbox.batches(weeks, cleared, now=now)
    waiting = [*change_inbox.waiting(turns), *deployment_inbox.unreviewed(gathered.queue, by=by)]
    return owed, waiting


def _of_scrum_master(by: User, weeks: list[ReleaseWeek], now: datetime) -> list[Task]:
    if not _who(by, now).holds(Role.SCRUM_MASTER):
        return []
    scheduled = deployment_inbox.scheduled_reviews(now)
    return [
        *deployment_inbox.weekly_reviews(scheduled, now=now),
        *deployment_inbox.stranded(now=now),
        *change_inbox.announcements(weeks, now=now),
        *coverage.tasks(coverage.gaps(now)),
    ]


def _next_review(weeks: list[ReleaseWeek], now: datetime) -> datetime | None:
    dues = (week.due(Deadline.CODE_REVIEW) for week in weeks)
    return min((due for due in dues if due and due >= now), default=None)


def _grouped(tasks: list[Task], now: datetime) -> list[Group]:
    """A task without a deadline belongs to this week."""
    groups: dict[str, list[Line]] = {"Overdue": [], "Due today": [], "This week": [], "Later": []}
    for task in sorted(tasks, key=lambda each: (each.due is None, each.due or now, each.subject)):
        late = task.late(now)
        line = Line(task.verb, task.subject, task.url, task.why, task.due, late)
        groups["Overdue" if late else _group(task.due, now)].append(line)
    return [Group(label, lines) for label, lines in groups.items() if lines]


def _group(due: datetime | None, now: datetime) -> str:
    today = eastern_day(now)
    if due is None:
        return "This week"
    if eastern_day(due) == today:
        return "Due today"
    sunday = today + timedelta(days=6 - today.weekday())
    return "This week" if eastern_day(due) <= sunday else "Later"


def _subtitle(tasks: list[Task], now: datetime) -> str:
    """ "3 tasks, 1 overdue", or "2 tasks, the next is due today, 2:00 pm ET"."""
    if not tasks:
        return ""
    count = f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}"
    late = sum(task.late(now) for task in tasks)
    if late:
        return f"{count}, {late} overdue"
    due = min((task.due for task in tasks if task.due), default=None)
    return f"{count}, the next is due {say_near(due, now)}" if due else count


def _next_deadline(weeks: list[ReleaseWeek], now: datetime) -> str:
    """ "The next deadline is Tuesday 2:00 pm ET: pull requests and CRQs."."""
    ahead = [(due, key) for week in weeks for key in JUDGED if (due := week.due(key)) and due >= now]
    if not ahead:
        return "No release week is open yet."
    due, key = min(ahead)
    soon = 0 < (eastern_day(due) - eastern_day(now)).days < 7
    day = f"{WEEKDAYS[to_eastern(due).weekday()]} {say_time(due)}" if soon else say_near(due, now)
    return f"The next deadline is {day}: {WHAT_IS_DUE[key]}."
