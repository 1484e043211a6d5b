"""Who gives which role, and who is let in or out: the flow, and the pages of administrators."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Appointment, Invitation, Membership, Nomination, User
from accounts.roles import Role
from crq.flow import CRQ_FLOW
from releaseflow.people.invitations import GOOD_FOR
from releaseflow.people.roles import PLACE
from releaseflow.settings_pages.flow import TEAM
from tests.cast import Cast
from tests.factories import person
from tests.stages import EARLY, Stage
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused


def holds(user: User, role: Role) -> bool:
    return Appointment.objects.filter(user=user, role=role).exists()


@pytest.fixture
def second(cast: Cast) -> User:
    return person("Theo", "Bauer", role=Role.ADMINISTRATOR)


def test_an_administrator_gives_and_takes_an_office_and_both_are_audited(cast: Cast) -> None:
    perform(PLACE, "give_role", cast.outsider, by=cast.administrator, role=Role.DEVOPS)
    assert holds(cast.outsider, Role.DEVOPS)
    perform(PLACE, "take_role", cast.outsider, by=cast.administrator, role=Role.DEVOPS)
    assert not holds(cast.outsider, Role.DEVOPS)
    events = Event.objects.filter(object_type="place").values_list("action", "actor", "data")
    assert list(events) == [
        ("give_role", cast.administrator.pk, {"role": "DevOps"}),
        ("take_role", cast.administrator.pk, {"role": "DevOps"}),
    ]


@pytest.mark.parametrize("action", ["give_role", "take_role", "switch_off"])
def test_nobody_changes_their_own_place(cast: Cast, action: str) -> None:
    with pytest.raises(Refused, match="Nobody changes their own place"):
        perform(PLACE, action, cast.administrator, by=cast.administrator, role=Role.DIRECTOR)


def test_nobody_joins_a_team_by_their_own_hand(cast: Cast) -> None:
    with pytest.raises(Refused, match="Nobody gives themselves a role"):
        perform(TEAM, "add_member", cast.team, by=cast.administrator, user=cast.administrator, role=Role.MANAGER)
    assert not Membership.objects.filter(user=cast.administrator).exists()


@pytest.mark.parametrize("who", ["developer", "manager", "scrum_master", "devops", "director", "outsider"])
def test_only_administrators_give_roles(cast: Cast, who: str) -> None:
    with pytest.raises(Refused, match="Only an administrator can do this"):
        perform(PLACE, "give_role", cast.other_developer, by=getattr(cast, who), role=Role.DEVOPS)


@pytest.mark.parametrize(("action", "given"), [("take_role", {"role": Role.ADMINISTRATOR}), ("switch_off", {})])
def test_the_last_administrator_stays(cast: Cast, second: User, action: str, given: dict[str, Role]) -> None:
    perform(PLACE, "switch_off", cast.administrator, by=second)
    with pytest.raises(Refused, match="the only administrator"):
        perform(PLACE, action, second, by=None, **given)


def test_an_administrator_who_never_came_in_does_not_count(cast: Cast, second: User) -> None:
    Invitation.objects.create(user=second, invited_by=cast.administrator, sent_at=EARLY, expires_at=EARLY + GOOD_FOR)

    with pytest.raises(Refused, match="the only administrator"):
        perform(PLACE, "switch_off", cast.administrator, by=second)


def test_an_administrator_is_made_by_two(cast: Cast, second: User) -> None:
    perform(PLACE, "give_role", cast.outsider, by=cast.administrator, role=Role.ADMINISTRATOR)
    assert not holds(cast.outsider, Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="asked for this yourself"):
        perform(PLACE, "confirm", cast.outsider, by=cast.administrator)
    with pytest.raises(Refused, match="Only an administrator can do this"):
        perform(PLACE, "confirm", cast.outsider, by=cast.outsider)
    perform(PLACE, "confirm", cast.outsider, by=second)
    assert holds(cast.outsider, Role.ADMINISTRATOR)
    assert Event.objects.get(action="confirm").data == {"role": "Administrator", "asked_by": "Ada Quist"}
    assert not Nomination.objects.exists()


def test_the_only_administrator_makes_the_second_alone(cast: Cast) -> None:
    perform(PLACE, "give_role", cast.outsider, by=cast.administrator, role=Role.ADMINISTRATOR)
    assert holds(cast.outsider, Role.ADMINISTRATOR)


def test_whoever_is_switched_off_loses_all_sessions(cast: Cast, client: Client) -> None:
    client.post("/sign-in/", {"login": cast.manager.email, "password": "a quiet harbour"})
    key = client.session.session_key
    assert key
    perform(PLACE, "switch_off", cast.manager, by=cast.administrator)
    assert client.get("/weeks/")["Location"].startswith("/sign-in/")
    assert not client.session.exists(key)
    perform(PLACE, "switch_on", cast.manager, by=cast.administrator)
    assert client.get("/weeks/")["Location"].startswith("/sign-in/")


def test_a_role_taken_away_while_a_form_is_open_is_refused_at_the_post(stage: Stage, client: Client) -> None:
    ready = stage.ready()
    client.force_login(stage.cast.manager)
    assert client.get(ready.get_absolute_url(), follow=True).status_code == 200
    perform(
        TEAM, "remove_member", stage.cast.team, by=stage.cast.administrator, user=stage.cast.manager, role=Role.MANAGER
    )
    answer = client.post(f"/act/{CRQ_FLOW.name}/{ready.crq.pk}/approve/", follow=True)
    assert "Only a Dev Manager" in answer.content.decode()
    ready.crq.refresh_from_db()
    assert ready.crq.status != "approved"


# --- Pages ---------------------------------------------------------------------------------------------------
def test_the_page_of_a_person_gives_an_office(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    url = f"/settings/people/{cast.outsider.pk}/"
    assert "Nick Nowhere" in client.get(url).content.decode()
    answer = client.post(url, {"role": "devops"}, follow=True)
    assert holds(cast.outsider, Role.DEVOPS)
    assert "Take away" in answer.content.decode()


def test_ones_own_page_says_why_nothing_can_be_changed(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    html = client.get(f"/settings/people/{cast.administrator.pk}/").content.decode()
    assert "Nobody changes their own place" in html
    answer = client.post(f"/settings/people/{cast.administrator.pk}/", {"role": "director"})
    assert answer.status_code == 422


@pytest.mark.parametrize("url", ["/settings/people/", "/settings/people/invite/", "/settings/people/1/"])
def test_pages_of_people_are_for_administrators(cast: Cast, client: Client, url: str) -> None:
    client.force_login(cast.manager)
    assert client.get(url).status_code == 403


def test_people_who_are_switched_off_are_found(cast: Cast, client: Client) -> None:
    perform(PLACE, "switch_off", cast.manager, by=cast.administrator)
    client.force_login(cast.administrator)
    assert "Anita Desai" not in client.get("/settings/people/").content.decode().partition("<ul")[2]
    html = client.get("/settings/people/?off=1").content.decode()
    assert "Anita Desai" in html
    assert "Switched off" in html
