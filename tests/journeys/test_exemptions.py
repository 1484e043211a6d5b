"""A missed Tuesday deadline: granted, denied, lapsed, and what follows from each."""

from typing import Any

import pytest

from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, ExemptionRequest
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, ReleaseWeek
from notifications.models import Letter
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform
from workflow.steps import Refused

WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: a switch turns it off"}


def ask(stage: Stage, deployment: Deployment, **given: Any) -> ExemptionRequest:
    request = ExemptionRequest(crq=deployment.crq, **WORDS)
    return begin(EXEMPTION, "request", request, by=stage.cast.manager, **given)  # type: ignore[no-any-return]


def missed(stage: Stage) -> Deployment:
    """Ready but not approved at 5:00 pm, held by the clock."""
    deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    return stage.fresh(deployment)


def test_granted_with_the_approval_in_the_same_form_clears_the_deployment(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        request = ask(stage, deployment, approve=True)
        perform(EXEMPTION, "grant", request, by=stage.cast.director, reason="The law does not wait")

    deployment = stage.fresh(deployment)
    assert deployment.status == Deployment.Status.CLEARED
    assert deployment.crq.status == CRQ.Status.APPROVED
    assert deployment.crq.decisions.get().by == stage.cast.manager


def test_granted_without_approval_lifts_the_hold_and_the_manager_may_still_approve(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(EXEMPTION, "grant", ask(stage, deployment), by=stage.cast.director, reason="Go")
        assert stage.fresh(deployment).status == Deployment.Status.PLANNED
        stage.approve(deployment.crq)

    assert stage.fresh(deployment).status == Deployment.Status.CLEARED


def test_denied_leaves_the_hold(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(EXEMPTION, "deny", ask(stage, deployment), by=stage.cast.director, reason="It can wait")

    assert stage.fresh(deployment).status == Deployment.Status.HELD


def test_silence_never_approves(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        request = ask(stage, deployment)
    with clock.frozen(moment(stage.week, "exemption_close", seconds=1)):
        enforce(clock.now())
        with pytest.raises(Refused):
            perform(EXEMPTION, "grant", request, by=stage.cast.director, reason="Too late")

    assert ExemptionRequest.objects.get().status == ExemptionRequest.Status.LAPSED
    assert stage.fresh(deployment).status == Deployment.Status.HELD


@pytest.mark.parametrize("asker", ["developer", "other_manager", "director", "scrum_master"])
def test_only_a_manager_of_the_team_asks(stage: Stage, asker: str) -> None:
    deployment = missed(stage)
    request = ExemptionRequest(crq=deployment.crq, **WORDS)
    with clock.frozen(moment(stage.week, "approval", hours=1)), pytest.raises(Refused):
        begin(EXEMPTION, "request", request, by=getattr(stage.cast, asker))


def test_once_per_crq_and_week(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        ask(stage, deployment)
        with pytest.raises(Refused, match="already"):
            ask(stage, deployment)


def test_not_before_a_deadline_is_at_risk(stage: Stage) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", hours=-4, seconds=-1)), pytest.raises(Refused, match="four hours"):
        ask(stage, deployment)
    with clock.frozen(moment(stage.week, "approval", hours=-4)):
        assert ask(stage, deployment).status == ExemptionRequest.Status.REQUESTED


def test_an_exemption_granted_before_the_deadline_prevents_the_hold(stage: Stage) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", hours=-1)):
        perform(EXEMPTION, "grant", ask(stage, deployment), by=stage.cast.director, reason="Go")
    enforce(moment(stage.week, "approval", seconds=1))

    assert stage.fresh(deployment).status == Deployment.Status.PLANNED


def test_the_approval_in_the_form_obeys_separation_of_duties(stage: Stage) -> None:
    deployment = missed(stage)
    CRQ.objects.filter(pk=deployment.crq.pk).update(opened_by=stage.cast.manager)
    with clock.frozen(moment(stage.week, "approval", hours=1)), pytest.raises(Refused, match="You opened this CRQ"):
        ask(stage, stage.fresh(deployment), approve=True)


def test_what_is_held_at_the_end_goes_to_the_next_open_week(stage: Stage) -> None:
    following = a_week(stage.week.thursday.replace(day=17))
    deployment = missed(stage)
    enforce(moment(stage.week, "install_close", seconds=1))

    deployment = stage.fresh(deployment)
    assert (deployment.week, deployment.status) == (following, Deployment.Status.PLANNED)
    assert deployment.crq.target_date == following.install_day
    assert deployment.crq.documents.count() == 3
    assert deployment.pull_requests.count() == 1
    assert not deployment.branches.exists()
    assert deployment.deferrals.get().from_week == ReleaseWeek.objects.get(pk=stage.week.pk)


def test_evidence_that_went_away_meanwhile_only_lifts_the_hold(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        request = ask(stage, deployment, approve=True)
        perform(DEPLOYMENT, "record_core_dev", deployment, by=stage.cast.devops, result="failed")
        perform(EXEMPTION, "grant", request, by=stage.cast.director, reason="Go")

    assert stage.fresh(deployment).status == Deployment.Status.PLANNED


def test_an_approval_in_time_makes_the_grant_harmless(stage: Stage) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", hours=-1)):
        request = ask(stage, deployment, approve=True)
        perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.second_manager)
        perform(EXEMPTION, "grant", request, by=stage.cast.director, reason="Go")

    assert stage.fresh(deployment).status == Deployment.Status.CLEARED


def test_a_standing_approval_clears_on_the_grant(stage: Stage) -> None:
    deployment = stage.cleared()
    with clock.frozen(moment(stage.week, "approval", minutes=-5)):
        stage.review(deployment.pull_requests.get(), "changes_requested")
    enforce(moment(stage.week, "approval", seconds=1))
    assert stage.fresh(deployment).status == Deployment.Status.HELD
    with clock.frozen(moment(stage.week, "approval", minutes=5)):
        stage.review(deployment.pull_requests.get())
        perform(EXEMPTION, "grant", ask(stage, deployment), by=stage.cast.director, reason="Go")

    assert stage.fresh(deployment).status == Deployment.Status.CLEARED


def test_new_content_after_a_grant_asks_the_manager_and_holds_nothing(stage: Stage) -> None:
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(EXEMPTION, "grant", ask(stage, deployment, approve=True), by=stage.cast.director, reason="Go")
        stage.attach(deployment.crq, "tests", b"newer")

    assert stage.fresh(deployment).status == Deployment.Status.PLANNED


@pytest.mark.parametrize("action", ["move", "withdraw"])
def test_a_request_ends_with_what_it_was_for(stage: Stage, action: str) -> None:
    following = a_week(stage.week.thursday.replace(day=17))
    deployment = missed(stage)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        ask(stage, deployment)
        perform(DEPLOYMENT, action, deployment, by=stage.cast.manager, reason="Not now", week=following)
    enforce(moment(stage.week, "exemption_close", seconds=1))

    assert ExemptionRequest.objects.get().status == ExemptionRequest.Status.WITHDRAWN
    assert not Letter.objects.filter(kind="exemption_decided").exists()


def test_a_withdrawn_deployment_needs_no_exemption(stage: Stage) -> None:
    deployment = stage.with_crq()
    with clock.frozen(moment(stage.week, "cutoff", hours=-1)):
        perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
        with pytest.raises(Refused, match="withdrawn"):
            ask(stage, stage.fresh(deployment))
