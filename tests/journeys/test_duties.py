"""Separation of duties at install time, for oneself and for deputies."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Appointment, Deputy, Membership, User
from accounts.roles import Role
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused


def refused(stage: Stage, action: str, obj: Any, by: User, **given: Any) -> str:
    """The sentence, twenty minutes into the install window."""
    flow = DEPLOYMENT if action in DEPLOYMENT.steps and obj._meta.model_name == "deployment" else PULL_REQUEST
    with clock.frozen(moment(stage.week, "install", minutes=20)), pytest.raises(Refused) as error:
        perform(flow, action, obj, by=by, **given)
    return error.value.refusal.sentence


def lend(principal: User, deputy: User, role: Role) -> None:
    Deputy.objects.create(
        for_user=principal, deputy=deputy, role=role, starts=date(2026, 12, 1), ends=date(2026, 12, 30)
    )


def test_the_approver_neither_starts_nor_finishes(stage: Stage) -> None:
    Appointment.objects.create(user=stage.cast.manager, role=Role.DEVOPS)

    assert "You approved this CRQ" in refused(stage, "finish", stage.installing(), stage.cast.manager)


def test_the_approvers_deputy_does_not_install_for_them(stage: Stage) -> None:
    Appointment.objects.create(user=stage.cast.manager, role=Role.DEVOPS)
    lend(stage.cast.manager, stage.cast.outsider, Role.DEVOPS)
    deployment = stage.cleared()
    stage.complete_batch()

    assert "Anita Desai, for whom you act, approved" in refused(stage, "start", deployment, stage.cast.outsider)


def test_who_started_does_not_verify_even_when_somebody_else_finished(stage: Stage) -> None:
    Membership.objects.create(user=stage.cast.devops, team=stage.cast.team, role=Role.DEVELOPER)
    deployment = stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=10)):
        perform(DEPLOYMENT, "finish", deployment, by=stage.cast.second_devops)

    assert "You installed this" in refused(stage, "verify", deployment, stage.cast.devops)


def test_the_installers_deputy_does_not_verify_for_them(stage: Stage) -> None:
    Membership.objects.create(user=stage.cast.devops, team=stage.cast.team, role=Role.DEVELOPER)
    lend(stage.cast.devops, stage.cast.outsider, Role.DEVELOPER)

    assert "Grace Okafor, for whom you act" in refused(stage, "verify", stage.installed(), stage.cast.outsider)


def test_the_authors_deputy_does_not_review_for_them(stage: Stage) -> None:
    lend(stage.cast.developer, stage.cast.outsider, Role.DEVELOPER)
    pull_request = stage.submit()

    assert "for whom you act, wrote" in refused(stage, "review", pull_request, stage.cast.outsider, verdict="approved")


def test_a_failed_install_with_new_commits_is_not_tried_again(stage: Stage) -> None:
    deployment = stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=10)):
        perform(DEPLOYMENT, "fail", deployment, by=stage.cast.devops, reason="Out of disk")
        perform(PULL_REQUEST, "new_head", deployment.pull_requests.get(), by=stage.cast.developer, sha="f" * 40)

    assert "Missing first" in refused(stage, "retry", deployment, stage.cast.devops)


def test_the_head_stands_still_while_it_is_installed(stage: Stage) -> None:
    pull_request = stage.installing().pull_requests.get()

    assert "is being installed" in refused(stage, "new_head", pull_request, stage.cast.developer, sha="f" * 40)
