"""The end of an install window, or of a week that is skipped: nothing is lost, and what is over is closed."""

from __future__ import annotations

from datetime import datetime

from crq.exemptions import lapse_all
from crq.flow import CRQ_FLOW, lock_crq_of
from crq.models import CRQ
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from deployments.guards import other_live_deployment
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.weeks import open_for_plans
from workflow.machine import follow, perform
from workflow.steps import Call

S = Deployment.Status


def carry_over(week: ReleaseWeek, now: datetime) -> None:
    """Moves what is still held to the next open week, with its pull requests, CRQ and documents, without its approval.

    Where the application has a deployment of its own in that week, the one after is taken. With no open week the
    deployment stays held, and the Scrum Master moves it.
    """
    weeks = _later(week, now)
    held = Deployment.objects.filter(week=week, status=S.HELD).select_related("application").order_by("pk")
    for deployment in held:
        if target := _free(deployment, weeks):
            reason = f"Carried over: {deployment.held_reason}"
            perform(DEPLOYMENT, "move", deployment, by=None, reason=reason, week=target)


def follow_dates(call: Call) -> None:
    """A week got other dates: what is planned for it leaves a skipped week, and CRQs aim at the new install day.

    Without an open week a deployment stays where it is, and the Scrum Master moves it.
    """
    week: ReleaseWeek = call.obj
    if call.given["skips"]:
        _leave(call, week)
        lapse_all(week.pk, call.now)
    elif week.install_day and week.install_day != call.given["came_from"]:
        crqs = CRQ.objects.filter(deployment__week=week, deployment__status__in=Deployment.BEFORE_INSTALL)
        crqs.exclude(status=CRQ.Status.CLOSED).update(target_date=week.install_day)


def _leave(call: Call, week: ReleaseWeek) -> None:
    live = Deployment.objects.filter(week=week, status__in=Deployment.BEFORE_INSTALL).order_by("pk")
    ids = list(live.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    weeks = _later(week, call.now)
    for deployment in Deployment.objects.filter(pk__in=ids).select_related("application__team", "week").order_by("pk"):
        if target := _free(deployment, weeks):
            reason = f"No code install in the {week}: {week.skip_reason}."
            follow(call, DEPLOYMENT, "move", deployment, reason=reason, week=target)


def _later(week: ReleaseWeek, now: datetime) -> list[ReleaseWeek]:
    return list(open_for_plans(now).filter(thursday__gt=week.thursday))


def _free(deployment: Deployment, weeks: list[ReleaseWeek]) -> ReleaseWeek | None:
    """The first of the weeks in which the application has no deployment of its own."""
    return next((each for each in weeks if other_live_deployment(deployment, each) is None), None)


def close_all_failed(week: ReleaseWeek, now: datetime) -> None:
    """A failed install that nobody repaired in the window is over."""
    for deployment in Deployment.objects.filter(week=week, status=S.FAILED).select_related("application__team", "week"):
        close_failed(Call(DEPLOYMENT, DEPLOYMENT.steps["fail"], deployment, None, now), deployment)


def close_failed(cause: Call, deployment: Deployment) -> None:
    """Closes the CRQ as failed; the pull requests wait in the queue again."""
    if CRQ.objects.filter(deployment=deployment).exclude(status=CRQ.Status.CLOSED).exists():
        follow(cause, CRQ_FLOW, "close", lock_crq_of(deployment), closure=CRQ.Closure.FAILED)
    for pull_request in deployment.pull_requests.exclude(status=PullRequest.Status.SUBMITTED):
        follow(cause, PULL_REQUEST, "requeue", pull_request)
