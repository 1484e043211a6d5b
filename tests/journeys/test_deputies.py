"""A manager away: the deputy acts inside the dates, in the manager's name, bound by the same rules."""

from datetime import date

import pytest

from accounts.models import Deputy, Membership
from accounts.roles import Role, people, standing
from crq.flow import CRQ_FLOW
from crq.models import CRQ
from tests.factories import person
from tests.stages import Stage
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

MONDAY = date(2026, 12, 7)


def lend(stage: Stage, starts: date = MONDAY, ends: date = MONDAY) -> Deputy:
    return Deputy.objects.create(
        for_user=stage.cast.manager, deputy=stage.cast.outsider, role=Role.MANAGER, starts=starts, ends=ends
    )


def test_a_deputy_approves_in_the_managers_name(stage: Stage) -> None:
    lend(stage)
    crq = perform(CRQ_FLOW, "approve", stage.ready().crq, by=stage.cast.outsider)

    assert crq.status == CRQ.Status.APPROVED
    assert Event.objects.get(action="approve").actor_name == "Nick Nowhere for Anita Desai"


@pytest.mark.parametrize("day", [date(2026, 12, 6), date(2026, 12, 8)])
def test_outside_the_dates_a_deputy_is_nobody(stage: Stage, day: date) -> None:
    lend(stage, day, day)
    with pytest.raises(Refused) as refused:
        perform(CRQ_FLOW, "approve", stage.ready().crq, by=stage.cast.outsider)

    assert refused.value.refusal.code == "role"


def test_a_deputy_does_not_lend_on(stage: Stage) -> None:
    lend(stage)
    second = person("Second", "Hand")
    Deputy.objects.create(for_user=stage.cast.outsider, deputy=second, role=Role.MANAGER, starts=MONDAY, ends=MONDAY)

    assert not standing(second, MONDAY).holds(Role.MANAGER, stage.cast.team.pk)


def test_a_deputy_who_wrote_the_change_does_not_approve_it(stage: Stage) -> None:
    Deputy.objects.create(
        for_user=stage.cast.manager, deputy=stage.cast.developer, role=Role.MANAGER, starts=MONDAY, ends=MONDAY
    )
    with pytest.raises(Refused, match="You opened this CRQ"):
        perform(CRQ_FLOW, "approve", stage.ready().crq, by=stage.cast.developer)


def test_deputies_count_among_the_people_of_a_role(stage: Stage) -> None:
    lend(stage)

    assert stage.cast.outsider in people(Role.MANAGER, stage.cast.team.pk, on=MONDAY)
    assert stage.cast.outsider not in people(Role.MANAGER, stage.cast.team.pk)


def test_a_role_that_was_lost_is_no_longer_lent(stage: Stage) -> None:
    lend(stage)
    Membership.objects.filter(user=stage.cast.manager).delete()

    assert not standing(stage.cast.outsider, MONDAY).holds(Role.MANAGER, stage.cast.team.pk)
