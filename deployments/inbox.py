"""Tasks that come from pull requests, code reviews and release weeks, computed from their facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, Standing, standing
from deployments.models import ClosedDay, CodeReview, Deployment, Draft, PullRequest, ReleaseWeek, Review
from deployments.policy import Deadline
from deployments.weeks import AHEAD
from workflow.eastern import eastern_day, say_day
from workflow.inbox import Task

LOOK_AHEAD = timedelta(weeks=AHEAD + 4)
"""A month before the first week of a year is opened."""


def awaits_review_by(pull_request: PullRequest, person: User, who: Standing) -> bool:
    """Whether this developer's verdict could still count: not the author, nothing said about the current head yet."""
    how = pull_request.standing
    if how.full or how.blockers or pull_request.author_id == person.pk:
        return False
    if not who.holds(Role.DEVELOPER, pull_request.repository.application.team_id):
        return False
    return not any(
        review.reviewer_id == person.pk
        for review in pull_request.said
        if review.sha == pull_request.head_sha and review.verdict != Review.Verdict.COMMENTED
    )


def awaits_author(pull_request: PullRequest, person: User) -> bool:
    """Whether the author has to answer: changes were asked for, or checks fail."""
    return pull_request.author_id == person.pk and bool(pull_request.standing.blockers)


def reviews(pull_requests: Iterable[PullRequest], *, by: User, now: datetime, due: datetime | None) -> Iterator[Task]:
    """Pull requests to review, or to work on as their author, until `due`."""
    who = standing(by, eastern_day(now))
    for pull_request in pull_requests:
        if awaits_review_by(pull_request, by, who):
            verb, why = "Review", f"{pull_request.repository.application.team} owns the code"
        elif awaits_author(pull_request, by):
            verb, why = "Rework", "You wrote it"
        else:
            continue
        yield Task(
            verb=verb,
            subject=f"{pull_request}: {pull_request.title}",
            url=pull_request.get_absolute_url(),
            why=f"{why} · it {pull_request.standing.sentence}",
            due=due,
            since=pull_request.submitted_at,
        )


def unreviewed(pull_requests: Iterable[PullRequest], *, by: User) -> Iterator[Task]:
    """Pull requests of this person that wait for somebody else's review."""
    for pull_request in pull_requests:
        how = pull_request.standing
        if pull_request.author_id == by.pk and not how.full and not how.blockers:
            yield Task(
                verb="Review",
                subject=f"{pull_request}: {pull_request.title}",
                url=pull_request.get_absolute_url(),
                why="You wrote it",
                since=pull_request.submitted_at,
                who=f"{pull_request.repository.application.team} · it {how.sentence}",
            )


def scheduled_reviews(now: datetime) -> QuerySet[CodeReview]:
    """The weekly reviews of the weeks ahead that were neither held nor cancelled yet."""
    ahead = CodeReview.objects.filter(status=CodeReview.Status.SCHEDULED, week__thursday__gte=eastern_day(now))
    waiting = PullRequest.objects.filter(status=PullRequest.Status.SUBMITTED)
    return ahead.annotate(has_agenda=Exists(waiting)).select_related("week").order_by("at")


def weekly_reviews(scheduled: Iterable[CodeReview], *, now: datetime) -> Iterator[Task]:
    """Every weekly review that is over, and the next one."""
    for review in scheduled:
        agenda = getattr(review, "has_agenda", True)
        yield Task(
            verb="Hold or cancel" if agenda else "Cancel or hold",
            subject=f"the code review for the {review.week}",
            url=review.get_absolute_url(),
            why="You run the weekly review" if agenda else "No pull request was submitted for it",
            due=review.at,
        )
        if review.at >= now:
            return


def batches(weeks: Iterable[ReleaseWeek], with_cleared: set[int | None], *, now: datetime) -> Iterator[Task]:
    """Marking the batch complete, on the install day of a week that has something to install."""
    for week in weeks:
        if week.pk not in with_cleared or week.batch_completed_at or week.install_day is None:
            continue
        if eastern_day(now) < week.install_day or week.passed(Deadline.INSTALL_CLOSE, now):
            continue
        yield Task(
            verb="Mark the batch complete",
            subject=f"for {say_day(week.install_day)}",
            url=reverse("install-day", args=[week.thursday]),
            why="Installs open when DevOps marks it",
            due=week.due(Deadline.INSTALL),
        )


def stranded(*, now: datetime) -> Iterator[Task]:
    """Deployments that stayed in a skipped week because no later week was open: the Scrum Master moves them."""
    waiting = (Deployment.Status.PLANNED, Deployment.Status.CLEARED, Deployment.Status.HELD)
    found = Deployment.objects.filter(status__in=waiting, week__install_day=None, week__thursday__gte=eastern_day(now))
    for deployment in found.select_related("week").order_by("week__thursday", "pk"):
        yield Task(
            verb="Move",
            subject=deployment.title,
            url=deployment.get_absolute_url(),
            why=f"No code install in the {deployment.week}: {deployment.week.skip_reason}",
        )


def unconfirmed_years(*, now: datetime) -> Iterator[Task]:
    """Years into which weeks are opened, and of which no day is closed yet: the administrator confirms the proposal."""
    today = eastern_day(now)
    years = dict.fromkeys((today.year, (today + LOOK_AHEAD).year))
    known = set(ClosedDay.objects.filter(day__year__in=years).values_list("day__year", flat=True))
    for year in years:
        if year not in known:
            yield Task(
                verb="Confirm the holidays and freezes of",
                subject=str(year),
                url=f"{reverse('closed-days')}?year={year}&propose=1#propose",
                why="Weeks of that year are opened without any",
            )


def unfinished(*, by: User) -> Iterator[Task]:
    """New deployments that this person began and left."""
    for draft in _DRAFTS(by=by.pk):
        yield Task(
            verb="Continue",
            subject=f"the deployment {draft.title}",
            url=draft.get_absolute_url(),
            why=f"You began it for the {draft.week}. Next is step {draft.step} of 4: {draft.get_step_display()}",
            since=draft.begun_at,
        )


def _drafts() -> QuerySet[Draft]:
    begun = Draft.objects.filter(by=Slot("by")).exclude(deployment__status=Deployment.Status.WITHDRAWN)
    return begun.select_related("week")


_DRAFTS = Prepared(_drafts)
