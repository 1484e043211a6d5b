"""My tasks: what one person owes, from every app's inbox, grouped by when it is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import User
from crq.deadlines import JUDGED
from crq.owed import Waiting, material_for, owed
from deployments.live import mark, mark_of
from deployments.models import ReleaseWeek
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
    pick: str = ""


@dataclass(frozen=True)
class Group:
    label: str
    tasks: list[Line]


@dataclass(frozen=True)
class Home:
    """`empty_sentence` is there only when nothing is owed."""

    groups: list[Group] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    subtitle: str = ""
    empty_sentence: str = ""
    mark: str = ""

    @property
    def count(self) -> int:
        return sum(len(group.tasks) for group in self.groups)

    @property
    def together(self) -> int:
        """How many CRQs can be approved together; one alone is looked at on its own page."""
        picks = sum(bool(line.pick) for group in self.groups for line in group.tasks)
        return picks if picks > 1 else 0


def home(by: User, *, now: datetime) -> Home:
    """Few statements, however many deployments; the tests count them by role."""
    material = material_for(by, now=now)
    found = owed(by, material, now=now)
    return Home(
        groups=_grouped(found.tasks, now),
        waiting=sorted(found.waiting, key=lambda each: (each.since is None, each.since)),
        subtitle=_subtitle(found.tasks, now),
        empty_sentence="" if found.tasks else _next_deadline(material.weeks, now),
        mark=mark_of(material.weeks[0], now) if material.weeks else mark(now),
    )


def _grouped(tasks: list[Task], now: datetime) -> list[Group]:
    """A task without a deadline belongs to this week."""
    groups: dict[str, list[Line]] = {"Overdue": [], "Due today": [], "This week": [], "Later": []}
    labels = {due: _group(due, now) for due in {task.due for task in tasks}}
    for task in sorted(tasks, key=lambda each: (each.due is None, each.due or now, each.subject)):
        late = task.late(now)
        line = Line(task.verb, task.subject, task.url, task.why, task.due, late, task.pick)
        groups["Overdue" if late else labels[task.due]].append(line)
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
