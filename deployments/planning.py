"""Deciding what goes into which week: the verbs that touch several objects, each in one transaction.

Each raises Refused, and then nothing of it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from accounts.models import User
from deployments.flow import CODE_REVIEW, DEPLOYMENT, PULL_REQUEST, lock_pull_requests
from deployments.guards import closed_week
from deployments.models import Application, CodeReview, Deployment, PullRequest, ReleaseWeek, ReviewDecision
from workflow.machine import begin, perform, refusal
from workflow.steps import Actor
from workflow.transactions import whole


def submit(pull_request: PullRequest, *, by: Actor) -> PullRequest:
    """Puts an unsaved pull request into the queue; refuses one that somebody submitted a moment ago."""
    submitted: PullRequest = begin(PULL_REQUEST, "submit", pull_request, by=by)
    return submitted


@whole
def plan_deployment(
    application: Application, week: ReleaseWeek, title: str, pull_requests: Iterable[PullRequest], *, by: User
) -> Deployment:
    """Plans a new deployment with these submitted pull requests."""
    _lock(pull_requests)
    new = Deployment(application=application, week=week, title=title)
    deployment: Deployment = begin(DEPLOYMENT, "plan", new, by=by)
    _join(deployment, pull_requests, by)
    return deployment


@whole
def change_scope(
    deployment: Deployment, *, add: Collection[PullRequest], remove: Collection[PullRequest], by: User
) -> None:
    """Adds submitted pull requests to a planned deployment and takes others out."""
    _lock([*add, *remove], deployment)
    for pull_request in _in_order(remove):
        perform(PULL_REQUEST, "unplan", pull_request, by=by)
    _join(deployment, add, by)


@whole
def plan_into(pull_request: PullRequest, week: ReleaseWeek, *, by: User, title: str = "") -> Deployment:
    """Plans a pull request into its application's deployment of that week, or into a new one titled like it."""
    existing = live_deployment(pull_request.repository.application_id, week)
    if existing is None:
        application = pull_request.repository.application
        return plan_deployment(application, week, (title or pull_request.title)[:200], [pull_request], by=by)
    _lock([pull_request], existing)
    _join(existing, [pull_request], by)
    return existing


@whole
def decide(review: CodeReview, pull_request: PullRequest, outcome: str, *, by: User, note: str = "") -> None:
    """Records what a review decided about a pull request; "planned" also plans it for the review's week."""
    [fresh] = _lock([pull_request], live_deployment(pull_request.repository.application_id, review.week))
    perform(CODE_REVIEW, "decide", review, by=by, pull_request=fresh, outcome=outcome, note=note)
    if outcome == ReviewDecision.Outcome.PLANNED:
        plan_into(fresh, review.week, by=by)


def live_deployment(application_id: int, week: ReleaseWeek) -> Deployment | None:
    """The application's deployment of that week; there is at most one."""
    live = Deployment.objects.filter(application_id=application_id, week=week)
    return live.exclude(status__in=Deployment.NO_LONGER_LIVE).select_related("application", "week").first()


def fixed_scope(deployment: Deployment, *, by: User, now: datetime) -> str:
    """Why this person cannot change the deployment's pull requests now, or nothing."""
    no = refusal(DEPLOYMENT, "withdraw", deployment, by=by, now=now)  # the same people may change what is in it
    if no and no.code == "role":
        return no.sentence
    if deployment.status not in Deployment.SCOPE_CAN_CHANGE:
        return f"{deployment.title} is {deployment.get_status_display().lower()}, so its pull requests cannot change."
    return closed_week(deployment.week, now)


def _join(deployment: Deployment, pull_requests: Iterable[PullRequest], by: User) -> None:
    for pull_request in _in_order(pull_requests):
        perform(PULL_REQUEST, "plan", pull_request, by=by, deployment=deployment)


def _lock(pull_requests: Iterable[PullRequest], deployment: Deployment | None = None) -> list[PullRequest]:
    """Takes all that the verb needs before anything else, in the order in which everybody does (see `flow.py`)."""
    return lock_pull_requests([each.pk for each in pull_requests], into=[deployment.pk] if deployment else [])


def _in_order(pull_requests: Iterable[PullRequest]) -> list[PullRequest]:
    return sorted(pull_requests, key=lambda each: each.pk)
