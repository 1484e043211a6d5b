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


def test_whoever_asks_for_an_exemption_does_not_decide_it(stage: Stage) -> None:
    request = asked(stage)
    values = {"decided_by": stage.cast.manager, "decided_at": request.requested_at, "decision_reason": "Go"}
    with pytest.raises(IntegrityError, match="asker_does_not_decide"), transaction.atomic():
        ExemptionRequest.objects.filter(pk=request.pk).update(status="granted", **values)


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


def test_whoever_installed_does_not_verify(stage: Stage) -> None:
    deployment = stage.installed()
    values = {"verified_at": deployment.installed_at, "verified_by": deployment.installed_by}
    with pytest.raises(IntegrityError, match="installer_does_not_verify"), transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(status="verified", **values)
