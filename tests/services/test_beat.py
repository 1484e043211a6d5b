"""A real beat, worker and Redis enforce what is due by the real clock, without anyone's action; so does beat alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from crq.flow import CRQ_FLOW
from crq.models import Snapshot
from deployments.models import Deployment, Milestone, ReleaseWeek
from notifications.models import Email
from tests.cast import Cast
from tests.stages import Stage, a_week, moment
from tests.support import processes
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
Start = Callable[[processes.Process], processes.Process]


def due_now(week: ReleaseWeek, *keys: str) -> None:
    """These deadlines passed a second ago by the real clock, the other ones lie ahead."""
    now = clock.now()
    week.milestones.update(due_at=now + timedelta(days=1))
    for number, key in enumerate(keys):
        week.milestones.filter(key=key).update(due_at=now - timedelta(seconds=len(keys) - number))


def becomes(deployment: Deployment, status: str, *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if Deployment.objects.get(pk=deployment.pk).status == status:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def planned() -> tuple[Stage, Deployment]:
    """A deployment without a CRQ, planned on the Monday of its week."""
    stage = Stage(Cast.assemble(), a_week())
    with clock.frozen(moment(stage.week, "cutoff", days=-1)):
        return stage, stage.plan()


def test_worker_and_beat_hold_what_is_not_ready(
    planned: tuple[Stage, Deployment], application_env: dict[str, str], start: Start
) -> None:
    stage, deployment = planned
    start(processes.worker(application_env))
    start(processes.beat(application_env))
    due_now(stage.week, "cutoff")

    assert becomes(deployment, Deployment.Status.HELD)
    assert Snapshot.objects.get(deployment=deployment).missing == ["prs", "crq"]
    assert Milestone.objects.get(week=stage.week, key="cutoff").enforced_at is not None


def test_beat_alone_does_the_work_without_a_broker(
    planned: tuple[Stage, Deployment], application_env: dict[str, str], start: Start
) -> None:
    stage, deployment = planned
    start(processes.beat({**application_env, "REDIS_URL": ""}))
    due_now(stage.week, "cutoff", "approval")

    assert becomes(deployment, Deployment.Status.HELD)


def test_what_is_queued_is_delivered(
    planned: tuple[Stage, Deployment], application_env: dict[str, str], start: Start
) -> None:
    stage, deployment = planned
    start(processes.beat({**application_env, "REDIS_URL": ""}))
    due_now(stage.week, "cutoff")
    assert becomes(deployment, Deployment.Status.HELD)

    deadline = time.monotonic() + 20
    while Email.objects.filter(sent_at=None).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert Email.objects.exists()
    assert not Email.objects.filter(sent_at=None).exists()


def test_a_late_approval_is_refused_while_no_beat_runs() -> None:
    stage = Stage(Cast.assemble(), a_week())
    with clock.frozen(moment(stage.week, "cutoff", hours=-3)):
        deployment = stage.ready()
    due_now(stage.week, "approval")

    with pytest.raises(Refused, match="Approval was due"):
        perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.manager)
    assert stage.fresh(deployment).status == Deployment.Status.HELD
