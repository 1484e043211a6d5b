"""Separation of duties as far as the database itself can keep it, whatever the code above it does."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.models import CRQ, Decision, ExemptionRequest
from deployments.models import Deployment
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import begin


def asked(stage: Stage) -> ExemptionRequest:
    deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    request = ExemptionRequest(crq=CRQ.objects.get(deployment=deployment), why="Law", why_now="Date", risk="Low")
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        found: ExemptionRequest = begin(EXEMPTION, "request", request, by=stage.cast.manager)
    return found


@pytest.mark.parametrize("asker", ["requested_by", "requested_for"])
@pytest.mark.parametrize("decider", ["decided_by", "decided_for"])
def test_whoever_asks_for_an_exemption_does_not_decide_it(stage: Stage, asker: str, decider: str) -> None:
    request = asked(stage)
    values = {"requested_for": stage.cast.developer, "decided_by": stage.cast.director}
    values |= {decider: stage.cast.manager if asker == "requested_by" else stage.cast.developer}
    with pytest.raises(IntegrityError, match="asker_does_not_decide"), transaction.atomic():
        ExemptionRequest.objects.filter(pk=request.pk).update(
            status="granted", decided_at=request.requested_at, decision_reason="Go", **values
        )


def test_a_decision_about_an_exemption_has_a_person_and_a_reason(stage: Stage) -> None:
    request = asked(stage)
    with pytest.raises(IntegrityError, match="exemption_decided_by_someone"), transaction.atomic():
        ExemptionRequest.objects.filter(pk=request.pk).update(status="granted")


@pytest.mark.parametrize("name", ["why", "why_now", "risk"])
def test_a_request_says_why(stage: Stage, name: str) -> None:
    request = asked(stage)
    with pytest.raises(IntegrityError, match="exemption_says_why"), transaction.atomic():
        ExemptionRequest.objects.filter(pk=request.pk).update(**{name: ""})


def test_whoever_opened_a_crq_does_not_approve_it(stage: Stage) -> None:
    stage.cleared()
    decision = Decision.objects.get()
    with pytest.raises(IntegrityError, match="opener_does_not_approve"), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(by=decision.opened_by)
    with pytest.raises(IntegrityError, match="nobody_approves_for_the_opener"), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(for_user=decision.opened_by)


@pytest.mark.parametrize("installer", ["started_by", "installed_by"])
@pytest.mark.parametrize("verifier", ["verified_by", "verified_for"])
def test_whoever_installed_does_not_verify(stage: Stage, installer: str, verifier: str) -> None:
    deployment = stage.installed()
    values = {"verified_at": deployment.installed_at, "verified_by": stage.cast.developer}
    values |= {installer: stage.cast.second_devops, verifier: stage.cast.second_devops}
    with pytest.raises(IntegrityError, match="installer_does_not_verify"), transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(status="verified", **values)


def test_nobody_is_their_own_deputy_in_a_record(stage: Stage) -> None:
    stage.cleared()
    with pytest.raises(IntegrityError, match="decided_for_someone_else"), transaction.atomic():
        Decision.objects.update(for_user=stage.cast.manager)


@pytest.mark.parametrize(
    "values",
    [
        {"requested_for": "manager"},
        {"decided_for": "director"},
        {"decided_by": "director", "decided_for": "director", "status": "granted", "decision_reason": "Go"},
    ],
)
def test_nobody_asks_or_decides_as_their_own_deputy(stage: Stage, values: dict[str, str]) -> None:
    request = asked(stage)
    people = {key: getattr(stage.cast, value) for key, value in values.items() if key.endswith(("_by", "_for"))}
    with pytest.raises(IntegrityError, match="exemption_for_someone_else"), transaction.atomic():
        ExemptionRequest.objects.filter(pk=request.pk).update(
            **{**values, **people, "decided_at": request.requested_at}
        )


def test_nobody_verifies_as_their_own_deputy(stage: Stage) -> None:
    deployment = stage.installed()
    values = {"verified_by": stage.cast.developer, "verified_for": stage.cast.developer}
    with pytest.raises(IntegrityError, match="verified_for_someone_else"), transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(verified_at=deployment.installed_at, **values)
