"""Twelve weeks of a made-up company, told by the application's own actions, each under a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import F

from accounts.models import User
from deployments.calendar import upcoming_thursdays
from deployments.models import ClosedDay, Deployment, PullRequest, ReleaseWeek
from deployments.weeks import AHEAD, open_week
from notifications.models import Email
from releaseflow.demo import office, season, this_week
from releaseflow.demo.closed_days import close_days
from releaseflow.demo.job import Studio
from releaseflow.demo.organisation import found
from releaseflow.demo.timetable import Diary, Timetable, eastern
from releaseflow.models import Heartbeat
from workflow import clock
from workflow.eastern import eastern_day
from workflow.models import DemoClock

FEWEST, MOST = 2, 26
SECONDS = timedelta(seconds=4)
BOUNCES = "branch-support@example.com"
BOUNCE = "SMTPRecipientsRefused: 550 5.1.1 branch-support@example.com: no such mailbox"


@dataclass(frozen=True)
class Seeded:
    """What was made; `begins` is the instant at which the demonstration goes on."""

    begins: datetime
    week: ReleaseWeek
    people: int
    deployments: int
    pull_requests: int
    emails: int


def is_empty() -> bool:
    return not (Deployment.objects.exists() or PullRequest.objects.exists() or ReleaseWeek.objects.exists())


@transaction.atomic
def sow(*, seed: int, weeks: int, today: date) -> Seeded:
    """Fills an empty database: `weeks` weeks up to the present one, and plans for the next. All of it, or nothing.

    The same seed, number and day (an Eastern date) tell the same story. The present week is the first whose cutoff
    day is not before `today` and, where that is the real day, whose 11:42 am still lies ahead.
    """
    first = today - timedelta(days=today.weekday(), weeks=weeks + 2)
    close_days(first, today + timedelta(weeks=60))
    organisation = found(today - timedelta(days=3), today + timedelta(days=18))
    with clock.frozen(eastern(first, "06:00")):
        opened = _open(weeks, today, earliest=_earliest(today))
    studio = Studio(organisation, _diary(seed))
    begins = _tell(studio, opened)
    _delivered()
    Heartbeat.mark("enforce_deadlines", begins)
    return _summary(opened.present, begins)


def set_clock(begins: datetime) -> None:
    """Lets the demonstration's clock show this instant now."""
    DemoClock.objects.update_or_create(pk=1, defaults={"ahead": begins - _real_now()})


def _real_now() -> datetime:
    return clock.now() - DemoClock.shift()


def _earliest(today: date) -> datetime:
    real = _real_now()
    return real if today == eastern_day(real) else eastern(today, "00:00")


def _diary(seed: int) -> Diary:
    closed = set(ClosedDay.objects.values_list("day", flat=True))
    return Diary(Random(seed), closed)  # noqa: S311 (believable, not secret)


@dataclass(frozen=True)
class _Opened:
    past: list[ReleaseWeek]
    present: ReleaseWeek
    following: ReleaseWeek


def _open(weeks: int, today: date, *, earliest: datetime) -> _Opened:
    """Opens the weeks of the story; those in `past` and `following` have an install day."""
    ahead = [_opened(thursday) for thursday in upcoming_thursdays(today, AHEAD + 4)]
    coming = [week for week in ahead if not week.skipped]
    present = next(week for week in coming if this_week.present(week) >= earliest)
    following = coming[coming.index(present) + 1]
    back = [present.thursday - timedelta(weeks=number) for number in range(weeks - 1, 0, -1)]
    past = [_opened(thursday) for thursday in back]
    return _Opened([week for week in past if not week.skipped], present, following)


def _opened(thursday: date) -> ReleaseWeek:
    return open_week(thursday) or ReleaseWeek.objects.get(thursday=thursday)


def _tell(studio: Studio, opened: _Opened) -> datetime:
    """Everything up to the instant at which the demonstration begins, which it returns."""
    timetable, begins = Timetable(), this_week.present(opened.present)
    inherited = season.tell(studio, timetable, opened.past)
    this_week.tell(studio, timetable, opened.present, opened.following, inherited)
    timetable.add(office.deadlines())
    timetable.run(begins)
    return begins


def _delivered() -> None:
    """All e-mails have left seconds after they were written, but for one mailbox that is no more."""
    waiting = Email.objects.filter(sent_at=None, parked_at=None)
    last = waiting.filter(to=BOUNCES).order_by("-pk").values_list("pk", flat=True).first()
    Email.objects.filter(pk=last or 0).update(parked_at=F("not_before") + SECONDS, attempts=1, last_error=BOUNCE)
    waiting.update(sent_at=F("not_before") + SECONDS, attempts=1)


def _summary(present: ReleaseWeek, begins: datetime) -> Seeded:
    return Seeded(
        begins=begins,
        week=present,
        people=User.objects.count(),
        deployments=Deployment.objects.count(),
        pull_requests=PullRequest.objects.count(),
        emails=Email.objects.count(),
    )
