"""Moving the demonstration's clock: forward only, to the moments at which something happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from deployments.weeks import open_for_install
from workflow import clock
from workflow.eastern import machine_time, say_instant
from workflow.models import DemoClock
from workflow.steps import Refused

FARTHEST = timedelta(days=30)
STEPS = {"+1h": timedelta(hours=1), "+1d": timedelta(days=1)}
STEP_LABELS = {"+1h": "1 hour on", "+1d": "1 day on"}

# Milestone, minutes after it, what one sees there.
MOMENTS = (
    (Deadline.PLAN_EMAIL, 1, "just after the plan e-mail"),
    (Deadline.CUTOFF, -5, "before the cutoff"),
    (Deadline.CUTOFF, 1, "just after the cutoff"),
    (Deadline.APPROVAL, -5, "before the approval deadline"),
    (Deadline.APPROVAL, 1, "just after the approval deadline"),
    (Deadline.INSTALL, -5, "before the install"),
    (Deadline.INSTALL_CLOSE, 1, "just after the install window"),
)
OFFERED = len(MOMENTS)


def jumps(now: datetime) -> list[tuple[str, str]]:
    """What the bar offers: the next moments of this week and the following ones, then plain steps."""
    weeks = open_for_install(now).prefetch_related("milestones")[:3]
    ahead = sorted((at, words) for week in weeks for at, words in _moments(week) if at > now)
    moments = [(machine_time(at), f"{say_instant(at)}, {words}") for at, words in ahead[:OFFERED]]
    return moments + [(value, STEP_LABELS[value]) for value in STEPS]


def _moments(week: ReleaseWeek) -> Iterator[tuple[datetime, str]]:
    for key, minutes, words in MOMENTS:
        due = week.due(key)
        if due:
            yield due + timedelta(minutes=minutes), words


def move_clock(to: str) -> datetime:
    """Sets the clock to `to`, an instant such as 2026-12-08T18:55:00Z or one of STEPS, and returns it.

    Raises Refused for what is no instant, not ahead, or more than FARTHEST away.
    """
    with transaction.atomic():
        DemoClock.objects.get_or_create(pk=1)
        row = DemoClock.objects.select_for_update().get(pk=1)
        now = clock.now()
        target = _target(to, now)
        row.ahead += target - now
        row.save()
    return target


def _target(to: str, now: datetime) -> datetime:
    if to in STEPS:
        return now + STEPS[to]
    try:
        target = datetime.fromisoformat(to)
    except ValueError:
        raise Refused.because("Choose one of the times in the list.") from None
    if target.tzinfo is None:
        raise Refused.because("Choose one of the times in the list.")
    if target <= now:
        raise Refused.because(f"The clock only goes forward, and it says {say_instant(now)} already.")
    if target > now + FARTHEST:
        raise Refused.because(f"The clock goes forward by {FARTHEST.days} days at most.")
    return target
