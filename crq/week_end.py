"""The end of an install window: nothing is lost, and what is over is closed."""

from __future__ import annotations

from datetime import datetime

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
    """Moves what is still held to the next open week, with its pull requests, CRQ and documents; the approval stays behind.

    Where the application has a deployment of its own in that week, the one after is taken. With no open week the deployment
    stays held, and the Scrum Master moves it.
    """
    weeks = list(open_for_plans(now).filter(thursday__gt=week.thursday))
    held = Deployment.objects.filter(week=week, status=S.HELD).select_related("application").order_by("pk")
    for deployment in held:
        target = next((each for each in weeks if other_live_deployment(deployment, each) is None), None)
        if target:
            reason = f"Carried over: {deployment.held_reason}"
            perform(DEPLOYMENT, "move", deployment, by=None, reason=reason, week=target)


def close_failed(week: ReleaseWeek, now: datetime) -> None:
    """A failed install that nobody repaired in the window is over: its CRQ closes, its pull requests wait again."""
    for deployment in Deployment.objects.filter(week=week, status=S.FAILED).select_related("application__team", "week"):
        call = Call(DEPLOYMENT, DEPLOYMENT.steps["fail"], deployment, None, now)
        if CRQ.objects.filter(deployment=deployment).exclude(status=CRQ.Status.CLOSED).exists():
            follow(call, CRQ_FLOW, "close", lock_crq_of(deployment), closure=CRQ.Closure.FAILED)
        for pull_request in deployment.pull_requests.exclude(status=PullRequest.Status.SUBMITTED):
            follow(call, PULL_REQUEST, "requeue", pull_request)
