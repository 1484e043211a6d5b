"""A manager away: the deputy acts inside the dates, in the manager's name, bound by the same rules."""

from datetime import date

import pytest
from django.test import Client

from accounts.models import Appointment, Deputy, Membership, User
from accounts.roles import Role, people, standing
from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Decision, ExemptionRequest
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from tests.factories import person
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import begin, perform
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


def test_the_record_says_for_whom_a_deputy_approved_and_the_page_shows_it(stage: Stage, client: Client) -> None:
    lend(stage)
    crq = perform(CRQ_FLOW, "approve", stage.ready().crq, by=stage.cast.outsider)
    client.force_login(stage.cast.developer)

    decision = Decision.objects.get()
    assert (decision.by, decision.for_user) == (stage.cast.outsider, stage.cast.manager)
    page = client.get(crq.get_absolute_url()).context["page"]
    assert ("Approved by", stage.cast.outsider, "for Anita Desai · today, 10:00 am ET") in page.facts[1]
    [approved] = [item for group in page.readiness for item in group.items if item.anchor == "approved"]
    assert "Nick Nowhere for Anita Desai" in approved.by


def test_who_acts_in_their_own_right_acts_for_nobody(stage: Stage) -> None:
    stage.cleared()

    assert Decision.objects.get().for_user is None


def test_an_approval_that_came_with_an_exemption_is_the_deputys_for_the_manager(stage: Stage) -> None:
    lend(stage, ends=date(2026, 12, 9))
    deployment = stage.ready()
    request = late_request(stage, deployment, by=stage.cast.outsider)
    with clock.frozen(moment(stage.week, "approval", hours=2)):
        perform(EXEMPTION, "grant", request, by=stage.cast.director, reason="Go")

    decision = Decision.objects.get()
    assert (decision.by, decision.for_user) == (stage.cast.outsider, stage.cast.manager)
    assert stage.fresh(deployment).status == Deployment.Status.CLEARED


def test_an_exemption_records_whose_deputies_asked_and_decided(stage: Stage) -> None:
    lend(stage, ends=date(2026, 12, 9))
    second = person("Tom", "Reed")
    Deputy.objects.create(
        for_user=stage.cast.director, deputy=second, role=Role.DIRECTOR, starts=MONDAY, ends=date(2026, 12, 9)
    )
    request = late_request(stage, stage.ready(), by=stage.cast.outsider)
    with clock.frozen(moment(stage.week, "approval", hours=2)):
        decided = perform(EXEMPTION, "deny", request, by=second, reason="It can wait")

    assert decided.requested_for == stage.cast.manager
    assert (decided.decided_by, decided.decided_for) == (second, stage.cast.director)


def test_who_had_it_asked_by_a_deputy_does_not_decide(stage: Stage) -> None:
    """The database would refuse it too, but a person reads a sentence."""
    lend(stage, ends=date(2026, 12, 9))
    Appointment.objects.create(user=stage.cast.manager, role=Role.DIRECTOR)
    request = late_request(stage, stage.ready(), by=stage.cast.outsider)

    with (
        clock.frozen(moment(stage.week, "approval", hours=2)),
        pytest.raises(Refused, match="You asked for this exemption, so someone else must decide it"),
    ):
        perform(EXEMPTION, "grant", request, by=stage.cast.manager, reason="Go")


def test_the_openers_deputy_does_not_approve_for_them(stage: Stage) -> None:
    lend(stage)
    crq = stage.ready().crq
    CRQ.objects.update(opened_by=stage.cast.manager)

    with pytest.raises(Refused, match="Anita Desai, for whom you act, opened this CRQ"):
        perform(CRQ_FLOW, "approve", crq, by=stage.cast.outsider)


def test_the_askers_deputy_does_not_decide_for_them(stage: Stage) -> None:
    Appointment.objects.create(user=stage.cast.manager, role=Role.DIRECTOR)
    Deputy.objects.create(
        for_user=stage.cast.manager,
        deputy=stage.cast.outsider,
        role=Role.DIRECTOR,
        starts=MONDAY,
        ends=date(2026, 12, 9),
    )
    request = late_request(stage, stage.ready(), by=stage.cast.manager)

    with (
        clock.frozen(moment(stage.week, "approval", hours=2)),
        pytest.raises(Refused, match="Anita Desai, for whom you act, asked for this exemption"),
    ):
        perform(EXEMPTION, "deny", request, by=stage.cast.outsider, reason="It can wait")


def test_a_deputy_verifies_in_somebodys_name(stage: Stage, client: Client) -> None:
    deployment = stage.installed()
    Deputy.objects.create(
        for_user=stage.cast.developer,
        deputy=stage.cast.outsider,
        role=Role.DEVELOPER,
        starts=MONDAY,
        ends=date(2026, 12, 10),
    )
    with clock.frozen(moment(stage.week, "install", minutes=40)):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.outsider)

    verified = stage.fresh(deployment)
    assert (verified.verified_by, verified.verified_for) == (stage.cast.outsider, stage.cast.developer)
    client.force_login(stage.cast.developer)
    assert "Nick Nowhere for Hannah Cole" in client.get(verified.crq.get_absolute_url()).content.decode()


def late_request(stage: Stage, deployment: Deployment, *, by: User) -> ExemptionRequest:
    """Asked for, with the approval in the same form, an hour after the approval was due."""
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        enforce(clock.now())
        request = ExemptionRequest(crq=deployment.crq, why="Law", why_now="Date", risk="Low")
        asked: ExemptionRequest = begin(EXEMPTION, "request", request, by=by, approve=True)
    return asked
