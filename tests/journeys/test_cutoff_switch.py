"""With "a missed cutoff holds" off: what was not ready at 2:00 pm is marked late, and may be approved until EOD."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from crq.board import board
from crq.deadlines import enforce
from crq.flow import CRQ_FLOW
from crq.models import Snapshot
from deployments import planning
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, SchedulePolicy
from notifications.models import Email
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

S = Deployment.Status


@pytest.fixture
def late(stage: Stage) -> Deployment:
    """Without its CRQ at the cutoff, which held nothing."""
    SchedulePolicy.objects.update(missed_cutoff_holds=False)
    deployment = stage.planned()
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        enforce(clock.now())
    return deployment


def catch_up(stage: Stage, deployment: Deployment) -> Deployment:
    """Everything but the approval, from 40 minutes after the cutoff."""
    with clock.frozen(moment(stage.week, "cutoff", minutes=40)):
        crq = stage.open_crq(deployment)
        for kind in ("justification", "tests", "plan"):
            stage.attach(crq, kind)
        stage.merge(deployment)
    return stage.fresh(deployment)


def meta_on_the_board(stage: Stage) -> str:
    found = board(stage.week.thursday, by=stage.cast.manager, now=moment(stage.week, "cutoff", hours=1))
    assert found is not None
    [row] = [each for band in found.bands for each in band.rows]
    return row.meta


def test_it_is_late_and_not_held(stage: Stage, late: Deployment) -> None:
    assert stage.fresh(late).status == S.PLANNED
    assert Snapshot.objects.get().missing == ["crq"]
    assert meta_on_the_board(stage).endswith("late at the cutoff")


def test_those_concerned_are_told_that_it_is_late(stage: Stage, late: Deployment) -> None:
    told = Email.objects.filter(letter__kind="deadline_missed").select_related("letter", "recipient")

    assert {each.letter.subject for each in told} == {f"Late: {late.title}"}
    words = told[0].letter.text.replace("\n", " ")
    assert "That holds nothing yet: the CRQ must be approved by Tue Dec 8, 5:00 pm" in words
    people = stage.cast
    concerned = {people.developer, people.reviewer, people.manager, people.second_manager, people.scrum_master}
    assert {each.recipient for each in told} == concerned


def test_it_is_approved_before_the_end_of_the_day_and_stays_marked(
    stage: Stage, late: Deployment, client: Client
) -> None:
    deployment = catch_up(stage, late)
    client.force_login(stage.cast.manager)
    with clock.frozen(moment(stage.week, "cutoff", hours=1)):
        page = client.get(deployment.crq.get_absolute_url()).context["page"]
    assert page.decision.sentence.startswith("Late at the cutoff: CRQ created. It can be approved until")
    [item] = [each for group in page.readiness for each in group.items if each.anchor == "crq"]
    assert item.by.endswith("late 40 min")

    with clock.frozen(moment(stage.week, "approval")):
        stage.approve(deployment.crq)
        enforce(moment(stage.week, "approval", seconds=1))

    assert stage.fresh(deployment).status == S.CLEARED
    assert meta_on_the_board(stage).endswith("late at the cutoff")


def test_the_end_of_the_day_holds_as_always(stage: Stage, late: Deployment) -> None:
    deployment = catch_up(stage, late)
    with clock.frozen(moment(stage.week, "approval", seconds=1)), pytest.raises(Refused, match="Approval was due"):
        perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.manager)

    assert stage.fresh(deployment).status == S.HELD


def test_the_scope_is_locked_all_the_same(stage: Stage, late: Deployment) -> None:
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    after = moment(stage.week, "cutoff", minutes=5)
    with clock.frozen(after):
        pull_request = stage.submit()
        with pytest.raises(Refused, match="was locked on"):
            planning.change_scope(late, add=[pull_request], remove=[], by=stage.cast.developer)
        with pytest.raises(Refused, match="was locked on"):
            planning.plan_deployment(stage.beside().application, stage.week, "Another", [], by=stage.cast.scrum_master)
        moved = perform(DEPLOYMENT, "move", late, by=stage.cast.manager, reason="Not ready", week=following)

    assert (moved.status, moved.week) == (S.PLANNED, following)
    with clock.frozen(after), pytest.raises(Refused, match="was locked on"):
        perform(DEPLOYMENT, "move", late, by=stage.cast.manager, reason="Back", week=stage.week)
