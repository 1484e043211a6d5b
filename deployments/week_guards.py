"""Reasons why the dates of a week or the calendar cannot be changed, as sentences."""

from __future__ import annotations

from datetime import datetime, timedelta

from deployments.models import ClosedDay, Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_day, say_near
from workflow.steps import Actor

S = Deployment.Status
STARTED = (S.INSTALLING, S.INSTALLED, S.VERIFIED, S.FAILED, S.BACKED_OUT)
SATURDAY = 5


def is_skipped(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    return "" if week.skipped else f"The {week} is not skipped."


def not_skipped(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    return f"It is skipped already: {week.skip_reason}." if week.skipped else ""


def not_over(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    close = week.due(Deadline.INSTALL_CLOSE)
    friday = week.thursday + timedelta(days=1)
    over = now > close if close else eastern_day(now) > friday
    return f"The {week} is over." if over else ""


def nothing_started(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    started = Deployment.objects.filter(week=week, status__in=STARTED).select_related("application").first()
    return f"An install of this week has begun: {started.title} ({started.application})." if started else ""


def chosen_by_hand(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    if week.frozen or week.substitute:
        return ""
    if week.skipped:
        return f"The calendar closes this week: {week.skip_reason}. The Scrum Master can set another install day."
    return "It follows the calendar already."


def not_warned(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    return f"People were warned {say_near(week.warned_at, now)}." if week.warned_at else ""


def not_kept(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    return f"The {week} is on legal hold already." if week.legal_hold else ""


def is_kept(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    return "" if week.legal_hold else f"The {week} is not on legal hold."


def day_is_ahead(closed: ClosedDay, by: Actor, now: datetime) -> str:
    """What is past explains the weeks of then, so it stays as it was."""
    if closed.day < eastern_day(now):
        return f"{say_day(closed.day)} is over, so it stays as it was."
    if closed.day.weekday() >= SATURDAY:
        return f"{say_day(closed.day)} is on a weekend, when nothing is due anyway."
    return ""
