"""Opening release weeks, and finding the one that people are in."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from deployments import calendar
from deployments.flow import CODE_REVIEW, WEEK
from deployments.models import CodeReview, Milestone, ReleaseWeek
from deployments.policy import Deadline
from deployments.rules import current_rules, lock_policy
from workflow.eastern import eastern_day
from workflow.machine import begin, perform
from workflow.steps import Refused
from workflow.transactions import whole

logger = logging.getLogger(__name__)

AHEAD = 8
WARN_BEFORE = timedelta(days=21)


def open_weeks(now: datetime, *, ahead: int = AHEAD) -> list[ReleaseWeek]:
    """Creates the weeks that are missing, from this week to `ahead` weeks on; returns the new ones. Safe to repeat.

    A week that cannot be planned is logged and left for the next time.
    """
    thursdays = calendar.upcoming_thursdays(eastern_day(now), ahead + 1)
    known = set(ReleaseWeek.objects.filter(thursday__in=thursdays).values_list("thursday", flat=True))
    missing = [thursday for thursday in thursdays if thursday not in known]
    return [week for thursday in missing if (week := _opened(thursday))]


def _opened(thursday: date) -> ReleaseWeek | None:
    try:
        return open_week(thursday)
    except ValueError as error:
        logger.error("The week of %s cannot be opened: %s", thursday, error)
        return None


@whole
def open_week(thursday: date) -> ReleaseWeek | None:
    """Creates one week with its deadlines and its weekly review; None when somebody else was faster.

    Raises ValueError, with a sentence, when the week cannot be planned.
    """
    lock_policy()  # a change of the schedule at the same moment sees this week, or this week sees the change
    rules = current_rules(thursday)
    plan = calendar.plan_week(thursday, rules.policy, rules.closed)
    week, created = ReleaseWeek.objects.get_or_create(
        thursday=thursday, defaults={"install_day": plan.install_day, "skip_reason": plan.skip_reason}
    )
    if not created:
        return None
    Milestone.objects.bulk_create(Milestone(week=week, key=key, due_at=due) for key, due in plan.due.items())
    begin(WEEK, "open", week, by=None)
    if review_at := plan.due.get(Deadline.CODE_REVIEW):
        begin(CODE_REVIEW, "schedule", CodeReview(week=week, at=review_at), by=None)
    return week


def warn_ahead(now: datetime) -> list[ReleaseWeek]:
    """Tells everybody, once, of each skipped week in the coming three weeks; returns those told of. Safe to repeat."""
    told = []
    for week in skipped_ahead(now).filter(warned_at=None):
        try:
            told.append(perform(WEEK, "warn", week, by=None))
        except Refused as refused:  # it was opened, or another run told people, in the same moment
            logger.info("No warning of the %s: %s", week, refused)
    return told


def skipped_ahead(now: datetime) -> QuerySet[ReleaseWeek]:
    """The skipped weeks of the coming three weeks, in order: what people are warned of."""
    today = eastern_day(now)
    return ReleaseWeek.objects.filter(install_day=None, thursday__range=(today, today + WARN_BEFORE))


def week_now(now: datetime) -> ReleaseWeek | None:
    """The week that people work on: the first whose install window has not closed (skipped weeks are passed over)."""
    return open_for_install(now).first()


def open_for_install(now: datetime) -> QuerySet[ReleaseWeek]:
    """Weeks whose install window has not closed, in order."""
    ahead = Q(milestones__key=Deadline.INSTALL_CLOSE, milestones__due_at__gte=now)
    return ReleaseWeek.objects.filter(ahead).order_by("thursday")


def open_for_plans(now: datetime) -> QuerySet[ReleaseWeek]:
    """Weeks whose scope is not locked yet, in order: where a deployment can be planned or moved to."""
    ahead = Q(milestones__key=Deadline.CUTOFF, milestones__due_at__gte=now)
    return ReleaseWeek.objects.filter(ahead).prefetch_related("milestones").order_by("thursday")
