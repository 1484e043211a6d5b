"""The dates that a feed tells, with how often each was changed, so that calendars take the newest over.

A date is the same one (`uid`) however often it moves; what is cancelled is told as cancelled, not left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse

from accounts.models import Team
from deployments.calendar import plan_week
from deployments.models import CodeReview, Deployment, ReleaseWeek
from deployments.policy import Deadline, Policy
from deployments.rules import current_policy
from releaseflow.models import Feed
from workflow.eastern import eastern_day
from workflow.models import Event

BEFORE, AFTER = timedelta(weeks=4), timedelta(weeks=10)
TOLD = (Deadline.CUTOFF, Deadline.APPROVAL, Deadline.INSTALL)
CHANGES = {
    "week": ("reschedule", "skip", "substitute", "reopen"),
    "code_review": ("reschedule", "cancel", "resume", "hold"),
    "deployment": ("move", "withdraw", "back_out"),
}
LONG = {Deadline.CUTOFF: timedelta(0), Deadline.APPROVAL: timedelta(0), Deadline.INSTALL: timedelta(hours=4)}
REVIEW = timedelta(hours=1)
MANY = 1000
"""More changes than a week ever has: a deployment that moved counts above all changes of the week that it left."""


@dataclass(frozen=True)
class Dated:
    """One entry of a calendar. Instants are aware; `sequence` only ever rises; `changed_at` is when it rose last."""

    uid: str
    sequence: int
    changed_at: datetime
    start: datetime
    end: datetime
    summary: str
    description: str
    url: str
    cancelled: bool


@dataclass(frozen=True)
class Change:
    """How often something was changed, and when last."""

    times: int = 0
    at: datetime | None = None


def dates(feed: Feed, now: datetime) -> list[Dated]:
    """What the feed tells, in order of time. Nine statements at most, however many weeks and deployments."""
    today = eastern_day(now)
    weeks = ReleaseWeek.objects.filter(thursday__range=(today - BEFORE, today + AFTER)).prefetch_related("milestones")
    found = list(weeks)
    changed, policy = _changes("week", {week.pk for week in found}), current_policy()
    told = [*_milestones(found, changed, policy), *_reviews(feed, found), *_deployments(feed, found, changed, policy)]
    return sorted(told, key=lambda each: (each.start, each.uid))


# --- The weeks ---------------------------------------------------------------------------------------------------
def _milestones(weeks: list[ReleaseWeek], changed: dict[int, Change], policy: Policy) -> Iterator[Dated]:
    for week in weeks:
        usual = _usual(week.thursday, policy)
        change = changed.get(week.pk, Change())
        for key in TOLD:
            start = week.due(key) or usual[key]
            yield Dated(
                uid=f"{key}-{week.thursday.isoformat()}",
                sequence=change.times,
                changed_at=change.at or _opened(week.thursday),
                start=start,
                end=start + LONG[key],
                summary=f"{key.label}: {week}",
                description=f"Nothing is installed: {week.skip_reason}." if week.skipped else "",
                url=week.get_absolute_url(),
                cancelled=week.due(key) is None,
            )


def _usual(thursday: date, policy: Policy) -> dict[str, datetime]:
    """Where a week's deadlines would be without any closed day: a cancelled one has to stand somewhere."""
    return plan_week(thursday, policy, ()).due


def _opened(thursday: date) -> datetime:
    """An instant before anything of the week happened, the same whenever it is asked for."""
    return datetime.combine(thursday - AFTER, time(0), UTC)


# --- Code reviews ------------------------------------------------------------------------------------------------
def _reviews(feed: Feed, weeks: list[ReleaseWeek]) -> Iterator[Dated]:
    concerned = Q(kind=CodeReview.Kind.WEEKLY)
    if feed.kind != Feed.Kind.WEEK:
        concerned |= Q(team__in=_teams(feed))
    found = list(CodeReview.objects.filter(concerned, week__in=weeks).select_related("team"))
    by_week = {week.pk: week for week in weeks}
    changed = _changes("code_review", {review.pk for review in found})
    for review in found:
        change, week = changed.get(review.pk, Change()), by_week[review.week_id]
        yield Dated(
            uid=f"review-{review.pk}",
            sequence=change.times,
            changed_at=change.at or _opened(week.thursday),
            start=review.at,
            end=review.at + REVIEW,
            summary=f"Code review of {review.team}: {week}" if review.team else f"Code review: {week}",
            description=review.note,
            url=review.get_absolute_url(),
            cancelled=review.status == CodeReview.Status.CANCELLED,
        )


# --- Deployments -------------------------------------------------------------------------------------------------
def _deployments(feed: Feed, weeks: list[ReleaseWeek], of_weeks: dict[int, Change], policy: Policy) -> Iterator[Dated]:
    if feed.kind == Feed.Kind.WEEK:
        return
    concerned = Q(application__team__in=_teams(feed))
    if feed.kind == Feed.Kind.MINE:
        concerned |= Q(followers__user=feed.user_id)
    by_week = {week.pk: week for week in weeks}
    concerning = Deployment.objects.filter(concerned, week__in=weeks).select_related("application", "crq")
    found = list(concerning.distinct().order_by("pk"))
    changed = _changes("deployment", {deployment.pk for deployment in found})
    for deployment in found:
        week, change = by_week[deployment.week_id], changed.get(deployment.pk, Change())
        around = of_weeks.get(week.pk, Change())
        start = week.due(Deadline.INSTALL) or _usual(week.thursday, policy)[Deadline.INSTALL]
        crq = getattr(deployment, "crq", None)
        yield Dated(
            uid=f"deployment-{deployment.pk}",
            sequence=change.times * MANY + around.times,
            changed_at=max(filter(None, (change.at, around.at)), default=_opened(week.thursday)),
            start=start,
            end=start + LONG[Deadline.INSTALL],
            summary=f"Install {deployment.application}: {deployment.title}",
            description=crq.number if crq else "",
            url=deployment.get_absolute_url(),
            cancelled=week.skipped or deployment.status in Deployment.NO_LONGER_LIVE,
        )


def _teams(feed: Feed) -> QuerySet[Team]:
    """The team itself, or those of the person."""
    return Team.objects.filter(pk=feed.team_id) if feed.team_id else Team.objects.filter(memberships__user=feed.user_id)


def _changes(kind: str, keys: Iterable[int]) -> dict[int, Change]:
    recorded = Event.objects.filter(object_type=kind, object_id__in=keys, action__in=CHANGES[kind])
    counted = recorded.order_by().values_list("object_id").annotate(times=Count("pk"), last=Max("at"))
    return {key: Change(times, at) for key, times, at in counted}


def absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def feed_url(key: str) -> str:
    return absolute(reverse("feed", args=[key]))
