"""Reasons why a deployment, pull request, review or week cannot be acted on, as sentences."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.roles import Role, own_part, standing
from deployments.models import CodeReview, Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_day, say_instant, say_near
from workflow.models import Event
from workflow.steps import Actor

SILENCE = timedelta(minutes=30)
DAY_BEFORE = timedelta(days=1)


def closed_week(week: ReleaseWeek, now: datetime) -> str:
    """Why nothing can be planned into this week any more, or nothing."""
    if week.skipped:
        return f"Nothing is installed in the {week}: {week.skip_reason}."
    cutoff = week.due(Deadline.CUTOFF)
    if cutoff and now > cutoff:
        return f"The scope of the {week} was locked on {say_instant(cutoff, now=now)}. Choose a later week."
    return ""


def week_takes_plans(deployment: Deployment, by: Actor, now: datetime) -> str:
    return closed_week(deployment.week, now)


def only_one_in_week(deployment: Deployment, by: Actor, now: datetime) -> str:
    twin = other_live_deployment(deployment, deployment.week)
    return f"{deployment.application} already has a deployment in the {deployment.week}: {twin.title}." if twin else ""


def other_live_deployment(deployment: Deployment, week: ReleaseWeek) -> Deployment | None:
    """The application's live deployment in that week, if it is another one."""
    live = Deployment.objects.filter(application_id=deployment.application_id, week=week)
    return live.exclude(status__in=Deployment.NO_LONGER_LIVE).exclude(pk=deployment.pk).first()


def batch_is_complete(deployment: Deployment, by: Actor, now: datetime) -> str:
    if deployment.week.batch_completed_at:
        return ""
    return "Installs open when DevOps marks the batch complete."


def window_is_open(deployment: Deployment, by: Actor, now: datetime) -> str:
    close = deployment.week.due(Deadline.INSTALL_CLOSE)
    if close and now > close:
        return f"The install window closed {say_near(close, now)}. What is already running may finish."
    return ""


def fails_in_own_part(deployment: Deployment, by: Actor, now: datetime) -> str:
    """DevOps reports a failed install; the owning team reports a failed verification."""
    if by is None:
        return ""
    installed = deployment.status == Deployment.Status.INSTALLED
    role = Role.DEVELOPER if installed else Role.DEVOPS
    if standing(by, eastern_day(now)).holds(role, deployment.application.team_id):
        return ""
    return "The owning team reports a failed verification." if installed else "DevOps reports a failed install."


def not_the_installer(deployment: Deployment, by: Actor, now: datetime) -> str:
    """Whoever started or finished the install does not verify it, nor does their deputy for them."""
    hands = {deployment.started_by_id, deployment.installed_by_id}
    team_id, day = deployment.application.team_id, eastern_day(now)
    did = own_part(by, Role.DEVELOPER, team_id, day, lambda who: "installed this" if who.pk in hands else "")
    return f"{did}, so someone else of the team must verify it." if did else ""


def is_silent(deployment: Deployment, by: Actor, now: datetime) -> str:
    """Half an hour after the install nobody verified it or reported a failure, and nobody was reminded of it yet."""
    installed = deployment.installed_at
    if installed is None or now < installed + SILENCE:
        return "The team still has time to verify it."
    reminded = Event.objects.filter(
        object_type="deployment", object_id=deployment.pk, action="remind", at__gte=installed
    )
    return "The team was reminded already." if reminded.exists() else ""


def in_a_planned_week(pull_request: PullRequest, by: Actor, now: datetime) -> str:
    """The scope of a deployment changes only before its cutoff, while it is planned or cleared."""
    deployment = pull_request.deployment
    if deployment is None:
        return ""
    if deployment.status not in Deployment.SCOPE_CAN_CHANGE:
        return f"{deployment.title} is {deployment.get_status_display().lower()}, so its pull requests cannot change."
    return closed_week(deployment.week, now)


def not_while_installing(pull_request: PullRequest, by: Actor, now: datetime) -> str:
    deployment = pull_request.deployment
    if deployment and deployment.status == Deployment.Status.INSTALLING:
        return f"{deployment.title} is being installed with the approved commit, so its head cannot change now."
    return ""


def not_the_author(pull_request: PullRequest, by: Actor, now: datetime) -> str:
    """Whoever wrote a pull request does not review it, nor does their deputy for them."""
    author, team_id, day = pull_request.author_id, pull_request.scope().team_id, eastern_day(now)
    did = own_part(by, Role.DEVELOPER, team_id, day, lambda who: "wrote this pull request" if who.pk == author else "")
    return f"{did}, so someone else of the team must review it." if did else ""


def on_the_install_day(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    if week.install_day is None:
        return f"Nothing is installed in this week: {week.skip_reason}."
    if eastern_day(now) < week.install_day:
        return f"The batch of this week's install runs on {say_day(week.install_day)}."
    return ""


def batch_is_complete_already(week: ReleaseWeek, by: Actor, now: datetime) -> str:
    if week.batch_completed_at and week.batch_completed_by:
        return f"{week.batch_completed_by.name} marked this {say_near(week.batch_completed_at, now)}."
    return ""


def review_takes_decisions(review: CodeReview, by: Actor, now: datetime) -> str:
    return closed_week(review.week, now)


def is_near(review: CodeReview, by: Actor, now: datetime) -> str:
    """The agenda is for a weekly review that is a day ahead or less."""
    if review.kind != CodeReview.Kind.WEEKLY:
        return "Only the weekly review has an agenda to send."
    return "" if review.at - DAY_BEFORE <= now <= review.at else "The agenda goes out the day before the review."


def not_announced(review: CodeReview, by: Actor, now: datetime) -> str:
    """Once for each time that the review had: a review that moves is announced again."""
    sent = Event.objects.filter(object_type="code_review", object_id=review.pk, action="announce")
    return "The agenda went out already." if sent.filter(data__at=review.at.isoformat()).exists() else ""
