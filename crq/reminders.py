"""Reminders: a day and two hours before a deadline, one digest for each person who still owes something by then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.mail import Topic, wanted
from accounts.models import User
from accounts.roles import at_work, read_standings
from crq.models import Reminded
from crq.owed import material_for_all, owed
from deployments.models import Milestone
from deployments.policy import Deadline
from notifications.outbox import enqueue_each
from workflow.eastern import eastern_day
from workflow.inbox import Task

FIRST, LAST = 24, 2
"""Hours before the deadline."""
GOES_ON = (" for", " on", " to")
"""A verb that ends so is followed by its object without a colon."""


@dataclass(frozen=True)
class Reminder:
    """A deadline that people are reminded of now, and the hours that it is away."""

    milestone: Milestone
    hours: int

    @property
    def key(self) -> str:
        return f"{self.milestone.pk}@{self.milestone.due_at:%Y%m%dT%H%M}-{self.hours}"


@dataclass(frozen=True)
class Section:
    """What one person owes by one deadline."""

    reminder: Reminder
    tasks: tuple[Task, ...]

    @property
    def lines(self) -> list[tuple[str, Task]]:
        """Each task with its words: "Create the CRQ: Dark mode", "Send the planned-deployments e-mail"."""
        return [(_words(task), task) for task in self.tasks]


def remind(now: datetime) -> int:
    """Reminds everybody of every deadline that is near, each distance once; returns how many letters it wrote.

    Only one distance counts at a time, so a scheduler that was down does not catch up with the first reminder when the
    last one is due. A quiet run is one statement; any other takes as many for a thousand people as for one.
    """
    if not (near := _near(now)):
        return 0
    with transaction.atomic():
        claimed = [each for each in near if _claim(each, now)]
        return _write(claimed, now) if claimed else 0


def _near(now: datetime) -> list[Reminder]:
    """What nobody was reminded of yet. Of a code review the agenda comes the day before, not a first reminder."""
    soon = now + timedelta(hours=LAST)
    told = Reminded.objects.filter(milestone=OuterRef("pk"), due_at=OuterRef("due_at"))
    last = Q(~Exists(told.filter(hours=LAST)), due_at__range=(now, soon))
    first = Q(~Exists(told.filter(hours=FIRST)), due_at__gt=soon, due_at__lte=now + timedelta(hours=FIRST))
    first = Q(first, ~Q(key=Deadline.CODE_REVIEW))
    found = Milestone.objects.filter(last | first, week__install_day__isnull=False).select_related("week")
    return [Reminder(each, LAST if each.due_at <= soon else FIRST) for each in found.order_by("due_at", "pk")]


def _claim(reminder: Reminder, now: datetime) -> bool:
    """Whether this run is the one that reminds."""
    milestone = reminder.milestone
    _, mine = Reminded.objects.get_or_create(
        milestone=milestone, due_at=milestone.due_at, hours=reminder.hours, defaults={"at": now}
    )
    return mine


def _write(reminders: list[Reminder], now: datetime) -> int:
    people = at_work(eastern_day(now))
    read_standings(people, eastern_day(now))
    material = material_for_all(now)
    early = {person.pk for person in wanted(people, Topic.DAY_BEFORE)}
    readers: dict[tuple[Section, ...], list[User]] = defaultdict(list)
    for person in people:
        due = [each for each in reminders if each.hours == LAST or person.pk in early]
        if due and (sections := _sections(owed(person, material, now=now).tasks, due)):
            readers[sections].append(person)
    key = f"reminder:{','.join(each.key for each in reminders)}"
    return len(enqueue_each("reminder", [(_context(each), to) for each, to in readers.items()], key=key, now=now))


def _sections(tasks: list[Task], reminders: list[Reminder]) -> tuple[Section, ...]:
    found = [Section(each, _due_at(tasks, each.milestone.due_at)) for each in reminders]
    return tuple(each for each in found if each.tasks)


def _due_at(tasks: list[Task], due: datetime) -> tuple[Task, ...]:
    return tuple(sorted((each for each in tasks if each.due == due), key=lambda each: (each.subject, each.verb)))


def _words(task: Task) -> str:
    names = task.subject[:1].isupper() and not task.verb.endswith(GOES_ON)
    return f"{task.verb}{':' if names else ''} {task.subject}"


def _context(sections: tuple[Section, ...]) -> dict[str, object]:
    tasks = [task for section in sections for task in section.tasks]
    first = sections[0].reminder
    return {
        "sections": sections,
        "count": len(tasks),
        "first": _words(tasks[0]),
        "hours": first.hours,
        "due": first.milestone.due_at,
        "week": first.milestone.week,
        "url": f"{settings.SITE_URL}/",
    }
