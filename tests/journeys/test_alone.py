"""One person who holds every role brings nothing to production alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Appointment, Membership
from accounts.roles import OFFICE_ROLES, TEAM_ROLES
from crq.flow import CRQ_FLOW
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from tests.factories import person
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused


@pytest.fixture
def alone(stage: Stage) -> Stage:
    """A stage on which every part is the same person's."""
    everything = person("Alma", "Alone")
    team = stage.cast.team
    Membership.objects.bulk_create(Membership(user=everything, team=team, role=role) for role in TEAM_ROLES)
    Appointment.objects.bulk_create(Appointment(user=everything, role=role) for role in OFFICE_ROLES)
    parts = {"team", "other_team", "application", "repository"}
    same = {name for name in vars(stage.cast) if name not in parts and name != "reviewer"}
    cast = replace(stage.cast, **dict[str, Any](dict.fromkeys(same, everything)))
    return Stage(cast, stage.week)


def test_nobody_reviews_their_own_pull_request(alone: Stage) -> None:
    pull_request = alone.submit()

    with pytest.raises(Refused, match="You wrote this pull request"):
        perform(PULL_REQUEST, "review", pull_request, by=alone.cast.developer, verdict="approved")


def test_nobody_approves_what_they_brought(alone: Stage) -> None:
    """Even with somebody else's review, and with everything else done by themselves."""
    deployment = alone.ready()

    with pytest.raises(Refused, match="someone else must approve it"):
        alone.approve(deployment.crq)

    assert alone.fresh(deployment).crq.status == "open"


def test_nothing_starts_without_the_approval(alone: Stage) -> None:
    deployment = alone.ready()
    alone.complete_batch()

    with clock.frozen(moment(alone.week, "install", minutes=5)), pytest.raises(Refused):
        perform(DEPLOYMENT, "start", deployment, by=alone.cast.devops)
    with clock.frozen(moment(alone.week, "install", minutes=5)), pytest.raises(Refused):
        perform(CRQ_FLOW, "approve", deployment.crq, by=alone.cast.manager)
