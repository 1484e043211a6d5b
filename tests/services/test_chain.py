"""Many act at once on the same things: the chains of the audit trail neither fork nor break."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.flow import PULL_REQUEST
from tests.stages import EARLY, PDF, Stage
from tests.support.threads import Work, at_once
from workflow import audit, clock
from workflow.machine import perform
from workflow.models import Event
from workflow.sealing import seal_weekly

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def _attaching(stage: Stage, crq: CRQ, number: int) -> Work:
    def work() -> None:
        upload = SimpleUploadedFile("plan.pdf", PDF + str(number).encode(), "application/pdf")
        perform(CRQ_FLOW, "attach_plan", crq, by=stage.cast.devops, kind="plan", file=upload, name="plan.pdf")

    return work


def test_eight_at_once_on_two_deployments(stage: Stage) -> None:
    with clock.frozen(EARLY):
        crqs = [stage.with_crq().crq, stage.beside().with_crq().crq]
    before = Event.objects.count()

    for trial in range(5):
        at_once(*(_attaching(stage, crqs[n % 2], trial * 8 + n) for n in range(8)), at=EARLY + timedelta(minutes=trial))

    verdict = audit.verify()
    assert verdict.findings == []
    assert verdict.events == before + 40


def test_new_things_at_once_each_begin_their_own_chain(stage: Stage) -> None:
    with clock.frozen(EARLY):
        pulls = [stage.submit() for _ in range(2)]
        deployment = stage.plan()
    reviewing = [
        lambda pull=pull: perform(PULL_REQUEST, "review", pull, by=stage.cast.reviewer, verdict="approved")
        for pull in pulls
    ]
    joining = [
        lambda pull=pull: perform(PULL_REQUEST, "plan", pull, by=stage.cast.developer, deployment=deployment)
        for pull in pulls
    ]

    at_once(*reviewing, *joining, at=EARLY)

    assert audit.verify().findings == []


def test_two_seal_the_week_at_once(stage: Stage) -> None:
    stage.plan()

    seals = at_once(*[lambda: seal_weekly(EARLY)] * 4)

    assert len([seal for seal in seals if seal]) == 1
    assert Event.objects.filter(action="seal").count() == 1
    assert audit.verify().findings == []
