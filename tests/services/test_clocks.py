"""Two machines whose clocks differ: the database's counts, and a late approval is not made early by a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from crq.flow import CRQ_FLOW
from crq.models import CRQ, Decision
from deployments.models import Deployment
from tests.cast import Cast
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is on the machine of the application."),
]
HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)


def waiting(due_in: timedelta) -> tuple[Stage, CRQ]:
    """Its approval is due then, by the database's clock."""
    stage = Stage(Cast.assemble(), a_week())
    with clock.frozen(moment(stage.week, "cutoff", hours=-3)):
        crq = stage.ready().crq
    now = clock.now()
    stage.week.milestones.update(due_at=now + timedelta(days=1))
    stage.week.milestones.filter(key="approval").update(due_at=now + due_in)
    return stage, crq


def test_a_slow_clock_makes_no_late_approval_early() -> None:
    stage, crq = waiting(-HALF)

    with time_machine.travel(datetime.now(UTC) - HOUR), pytest.raises(Refused, match="Approval was due"):  # noqa: TID251
        perform(CRQ_FLOW, "approve", crq, by=stage.cast.manager)

    assert stage.fresh(crq.deployment).status == Deployment.Status.HELD


def test_a_fast_clock_makes_no_early_approval_late_nor_is_it_written_down() -> None:
    stage, crq = waiting(HALF)
    before = clock.now()

    with time_machine.travel(datetime.now(UTC) + HOUR):  # noqa: TID251
        perform(CRQ_FLOW, "approve", crq, by=stage.cast.manager)

    assert before <= Decision.objects.get(crq=crq).at <= clock.now()
