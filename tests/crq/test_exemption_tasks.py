"""Who owes what about an exemption, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from crq.deadlines import enforce
from crq.exemption_tasks import tasks
from crq.exemptions import EXEMPTION
from crq.models import ExemptionRequest
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform


@pytest.fixture
def asked(stage: Stage) -> ExemptionRequest:
    deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    return ask(stage, deployment)


def ask(stage: Stage, deployment: Deployment) -> ExemptionRequest:
    request = ExemptionRequest(crq=deployment.crq, why="Law", why_now="Date", risk="Low")
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        found: ExemptionRequest = begin(EXEMPTION, "request", request, by=stage.cast.manager)
    return found


def owed(by: User, stage: Stage) -> list[tuple[str, str]]:
    fresh = User.objects.get(pk=by.pk)
    return [(task.verb, task.subject) for task in tasks(fresh, now=moment(stage.week, "approval", hours=2))]


def deny(stage: Stage, request: ExemptionRequest) -> None:
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(EXEMPTION, "deny", request, by=stage.cast.director, reason="It can wait")


def test_the_director_decides_until_exemptions_close(asked: ExemptionRequest, stage: Stage) -> None:
    [task] = tasks(stage.cast.director, now=moment(stage.week, "approval", hours=2))

    assert (task.verb, task.url) == ("Decide the exemption for", asked.get_absolute_url())
    assert task.due == stage.week.due("exemption_close")


@pytest.mark.parametrize("who", ["manager", "developer", "scrum_master", "devops", "outsider"])
def test_nobody_else_is_asked_to_decide(asked: ExemptionRequest, stage: Stage, who: str) -> None:
    assert owed(getattr(stage.cast, who), stage) == []


def test_after_a_denial_the_managers_choose_a_new_week(asked: ExemptionRequest, stage: Stage) -> None:
    deny(stage, asked)

    assert owed(stage.cast.manager, stage) == [("Choose a new week for", asked.crq.title)]
    assert owed(stage.cast.other_manager, stage) == []
    assert owed(stage.cast.director, stage) == []


def test_silence_leads_to_the_same_task(asked: ExemptionRequest, stage: Stage) -> None:
    enforce(moment(stage.week, "exemption_close", seconds=1))

    [task] = tasks(stage.cast.manager, now=moment(stage.week, "exemption_close", hours=1))
    assert (task.verb, task.why) == ("Choose a new week for", "Nobody decided about the exemption in time")


def test_the_task_is_done_when_the_week_is_chosen(asked: ExemptionRequest, stage: Stage) -> None:
    following = a_week(stage.week.thursday + timedelta(days=7))
    deny(stage, asked)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(DEPLOYMENT, "move", asked.crq.deployment, by=stage.cast.manager, reason="As told", week=following)

    assert owed(stage.cast.manager, stage) == []


@pytest.mark.parametrize("rows", [1, 3])
def test_as_many_statements_for_three_as_for_one(stage: Stage, django_assert_num_queries: Any, rows: int) -> None:
    deployments = [each.ready() for each in [stage, stage.beside(), stage.beside()][:rows]]
    enforce(moment(stage.week, "approval", seconds=1))
    for deployment in deployments:
        ask(stage, stage.fresh(deployment))
    director = User.objects.get(pk=stage.cast.director.pk)

    with django_assert_num_queries(2):  # two of them for the person's roles
        assert len(list(tasks(director, now=moment(stage.week, "approval", hours=2)))) == rows
