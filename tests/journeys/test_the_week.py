"""A release week from the pull request to the verified install, at the level of actions."""

import pytest

from crq import announcing
from crq.deadlines import enforce
from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, PullRequest
from notifications.models import Email, Letter
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused


def test_from_pull_request_to_verified_install(stage: Stage) -> None:
    deployment = stage.installed()
    with clock.frozen(moment(stage.week, "install", minutes=40)):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)
    deployment = stage.fresh(deployment)

    assert deployment.status == Deployment.Status.VERIFIED
    assert deployment.crq.status == CRQ.Status.CLOSED
    assert deployment.crq.closure == CRQ.Closure.SUCCESSFUL
    assert set(deployment.pull_requests.values_list("status", flat=True)) == {PullRequest.Status.SHIPPED}
    actions = list(Event.objects.filter(deployment_id=deployment.pk).values_list("action", flat=True))
    assert actions[-6:] == ["clear", "start", "finish", "ship", "verify", "close"]


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
    with clock.frozen(moment(stage.week, "approval", seconds=1)), pytest.raises(Refused, match="Approval was due"):
        perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.manager)

    assert stage.fresh(deployment).status == Deployment.Status.HELD


def test_the_manager_is_asked_once_when_everything_else_is_there(stage: Stage) -> None:
    deployment = stage.ready()
    asked = Email.objects.filter(letter__kind="approval_needed")

    assert set(asked.values_list("to", flat=True)) == {stage.cast.manager.email, stage.cast.second_manager.email}
    stage.attach(deployment.crq, "tests", b"newer")
    assert asked.count() == 4  # new content is asked for again


def test_a_new_document_voids_the_approval_and_asks_again(stage: Stage) -> None:
    deployment = stage.cleared()
    stage.attach(deployment.crq, "tests", b"other results")

    deployment = stage.fresh(deployment)
    assert (deployment.status, deployment.crq.status) == (Deployment.Status.PLANNED, CRQ.Status.OPEN)
    assert deployment.crq.decisions.get().voided_because == "tests.pdf was attached"
    assert Email.objects.filter(letter__kind="approval_voided").exists()


def test_after_the_deadline_a_voided_approval_is_a_hold(stage: Stage) -> None:
    deployment = stage.cleared()
    with clock.frozen(moment(stage.week, "approval", minutes=5)):
        stage.attach(deployment.crq, "tests", b"other results")

    deployment = stage.fresh(deployment)
    assert deployment.status == Deployment.Status.HELD
    assert "tests.pdf was attached" in deployment.held_reason


def test_a_failure_after_the_window_is_over_at_once(stage: Stage) -> None:
    deployment = stage.installing()
    enforce(moment(stage.week, "install_close", seconds=1))
    with clock.frozen(moment(stage.week, "install_close", minutes=30)):
        perform(DEPLOYMENT, "fail", deployment, by=stage.cast.devops, reason="Out of disk")

    assert stage.fresh(deployment).crq.closure == CRQ.Closure.FAILED
    assert PullRequest.objects.get().status == PullRequest.Status.SUBMITTED


def test_the_completion_email_waits_for_the_batch(stage: Stage) -> None:
    stage.plan()
    enforce(moment(stage.week, "cutoff", seconds=1))
    draft = announcing.draft("completion_status", stage.week)

    with (
        clock.frozen(moment(stage.week, "cutoff", hours=1)),
        pytest.raises(Refused, match="the batch is not complete"),
    ):
        perform(announcing.ANNOUNCEMENT, "send", draft, by=stage.cast.scrum_master)


def test_after_a_move_the_manager_is_asked_again(stage: Stage) -> None:
    following = a_week(stage.week.thursday.replace(day=17))
    deployment = stage.ready()
    perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, reason="Later", week=following)
    stage.merge(deployment)

    assert Letter.objects.filter(kind="approval_needed").count() == 2


def test_the_largest_pasted_number_leaves_room_for_ours(stage: Stage) -> None:
    stage.open_crq(stage.plan(), "CRQ999999999999")
    other = stage.beside()

    assert other.open_crq(other.plan()).number.startswith("CRQ000000418")
