"""When an announcement goes out by itself, and until when another time can be chosen, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from crq.models import Announcement
from deployments.policy import Deadline
from workflow.eastern import say_instant

Kind, Edition, Status = Announcement.Kind, Announcement.Edition, Announcement.Status
HOLD = timedelta(minutes=10)
LAST_UPDATE = timedelta(days=7)  # after the install window


def by_itself(announcement: Announcement, now: datetime) -> datetime | None:
    """The instant at which it goes out when nobody sends it; None when none is known or it has passed.

    A revision of the plan goes with the final edition at `approval`; an update of the completion e-mail when the last
    outcome is there.
    """
    if announcement.kind == Kind.COMPLETION:
        due = announcement.week.due(Deadline.INSTALL_CLOSE) if announcement.edition == Edition.FIRST else None
    elif announcement.edition == Edition.FIRST:
        due = announcement.week.due(Deadline.PLAN_EMAIL)
    else:
        due = announcement.week.due(Deadline.APPROVAL)
    return due if due and now <= due else None


def latest(announcement: Announcement, now: datetime) -> tuple[datetime | None, str]:
    """Until when a time can be chosen, and why not later."""
    week = announcement.week
    close = week.due(Deadline.INSTALL_CLOSE)
    if announcement.kind == Kind.COMPLETION:
        if announcement.edition == Edition.FIRST:
            return close, "when the install window closes and it goes out by itself"
        return close and close + LAST_UPDATE, "a week after the install window"
    if announcement.edition == Edition.FIRST and not week.passed(Deadline.CUTOFF, now):
        return week.due(Deadline.CUTOFF), "when the scope locks"
    if not week.passed(Deadline.APPROVAL, now):
        return week.due(Deadline.APPROVAL), "when the final edition goes out by itself"
    return week.due(Deadline.INSTALL), "when installs are expected to open"


def why_not_at(announcement: Announcement, at: datetime, now: datetime) -> str:
    """One sentence when it cannot be sent at this instant, or nothing."""
    if at <= now:
        return f"{say_instant(at, now=now)} is over. Choose a time that lies ahead, or send it now."
    last, why = latest(announcement, now)
    if last and at > last:
        return f"That is too late. Choose a time until {say_instant(last, now=now)}, {why}."
    return ""


def when(announcement: Announcement, now: datetime) -> str:
    """When a draft goes out, in words without a full stop."""
    if announcement.send_at:
        return f"Goes out {say_instant(announcement.send_at, now=now)}, the chosen time"
    if due := by_itself(announcement, now):
        words = f"Goes out by itself {say_instant(due, now=now)}"
        is_revision = announcement.kind == Kind.PLANNED and announcement.edition != Edition.FIRST
        return f"{words}, as the final edition" if is_revision else words
    if announcement.kind == Kind.COMPLETION and announcement.edition == Edition.UPDATE:
        return "Goes out by itself when the last outcome is there"
    return "Not sent"
