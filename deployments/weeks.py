"""Opening release weeks, and finding the one that people are in."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from deployments import calendar, policy
from deployments.flow import CODE_REVIEW, WEEK
from deployments.models import ClosedDay, CodeReview, Milestone, ReleaseWeek, SchedulePolicy
from deployments.policy import DEFAULT_POLICY, Deadline, Policy, Rule
from workflow.eastern import eastern_day
from workflow.machine import begin

AHEAD = 8


def current_policy() -> Policy:
    """The schedule's rules: the saved record, or the defaults while nobody has changed them."""
    saved = SchedulePolicy.objects.first()
    if saved is None:
        return DEFAULT_POLICY
    rules = {
        key: Rule(rule["weeks_before"], rule["weekday"], time.fromisoformat(rule["at"])) for key, rule in saved.rules.items()
    }
    return Policy(**rules, missed_cutoff_holds=saved.missed_cutoff_holds)


def open_weeks(now: datetime, *, ahead: int = AHEAD) -> list[ReleaseWeek]:
    """Creates the weeks that are missing, from this week to `ahead` weeks on; returns the new ones. Safe to repeat."""
    thursdays = calendar.upcoming_thursdays(eastern_day(now), ahead + 1)
    known = set(ReleaseWeek.objects.filter(thursday__in=thursdays).values_list("thursday", flat=True))
    missing = [thursday for thursday in thursdays if thursday not in known]
    return [week for thursday in missing if (week := open_week(thursday))]


def open_week(thursday: date) -> ReleaseWeek | None:
    """Creates one week with its deadlines and its weekly review; None when somebody else was faster."""
    closed = [calendar.ClosedDay(row.day, row.name, row.kind) for row in _closed_days_near(thursday)]
    plan = calendar.plan_week(thursday, current_policy(), closed)
    with transaction.atomic():
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


def _closed_days_near(thursday: date) -> list[ClosedDay]:
    around = (thursday - timedelta(days=7 * (policy.MOST_WEEKS_BEFORE + 1)), thursday + timedelta(days=7))
    return list(ClosedDay.objects.filter(day__range=around))
