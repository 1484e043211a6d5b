"""One's own page with its deputies, and the people of the organisation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.mail import Topic
from accounts.models import Deputy, User
from accounts.roles import Role, people, standing
from crq.flow import CRQ_FLOW
from releaseflow.people import page
from releaseflow.people.account import ACCOUNT as ACCOUNT_FLOW
from releaseflow.people.flow import DEPUTY, PERSON
from tests.cast import Cast
from tests.factories import person
from tests.stages import EARLY, Stage
from workflow.machine import begin, perform, refusal
from workflow.models import Event
from workflow.steps import Refused

MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)
FRIDAY = date(2026, 12, 11)


def appoint(cast: Cast, *, by: User | None = None, **values: Any) -> Deputy:
    given = {"for_user": cast.manager, "deputy": cast.outsider, "role": Role.MANAGER, "starts": MONDAY, "ends": FRIDAY}
    found: Deputy = begin(DEPUTY, "appoint", Deputy(**given | values), by=by or cast.manager)
    return found


def typed(cast: Cast, **values: Any) -> dict[str, Any]:
    return {"deputy": cast.outsider.pk, "role": "manager", "starts": "2026-12-07", "ends": "2026-12-11"} | values


# --- The flow ------------------------------------------------------------------------------------------------
def test_appointing_is_audited_and_works(stage: Stage) -> None:
    deputy = appoint(stage.cast)

    event = Event.objects.get(object_type="deputy")
    assert (event.actor, event.action, event.object_id) == (stage.cast.manager, "appoint", deputy.pk)
    assert event.data == {"for": "Anita Desai", "role": "Dev Manager", "from": "2026-12-07", "until": "2026-12-11"}
    assert standing(User.objects.get(pk=stage.cast.outsider.pk), MONDAY).holds(Role.MANAGER, stage.cast.team.pk)


def test_ended_means_ended_at_once(stage: Stage) -> None:
    ready = stage.ready()
    perform(DEPUTY, "end", appoint(stage.cast), by=stage.cast.manager)
    outsider = User.objects.get(pk=stage.cast.outsider.pk)

    assert not standing(outsider, MONDAY).holds(Role.MANAGER, stage.cast.team.pk)
    assert outsider not in people(Role.MANAGER, stage.cast.team.pk, on=MONDAY)
    assert refusal(CRQ_FLOW, "approve", ready.crq, by=outsider, now=EARLY) is not None
    assert [event.action for event in Event.objects.filter(object_type="deputy")] == ["appoint", "end"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"role": Role.DIRECTOR}, "You do not hold the role EDMT Director"),
        ({"starts": FRIDAY, "ends": MONDAY}, "The last day is before the first"),
        ({"starts": date(2026, 12, 6)}, "The first day is over already"),
    ],
)
def test_what_cannot_be_lent(stage: Stage, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        appoint(stage.cast, **values)

    assert not Deputy.objects.exists()


def test_nobody_is_their_own_deputy(stage: Stage) -> None:
    with pytest.raises(Refused, match="own deputy"):
        appoint(stage.cast, deputy=stage.cast.manager)


def test_whoever_left_is_no_deputy(stage: Stage) -> None:
    stage.cast.outsider.is_active = False
    stage.cast.outsider.save()
    with pytest.raises(Refused, match="no longer signs in"):
        appoint(stage.cast)


@pytest.mark.parametrize(
    ("starts", "ends", "possible"),
    [
        (FRIDAY, FRIDAY + timedelta(days=3), False),
        (TUESDAY, TUESDAY, False),
        (FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=3), True),
    ],
)
def test_the_same_deputy_not_twice_at_once(stage: Stage, starts: date, ends: date, possible: bool) -> None:
    appoint(stage.cast)
    if possible:
        appoint(stage.cast, starts=starts, ends=ends)
    else:
        with pytest.raises(Refused, match="already"):
            appoint(stage.cast, starts=starts, ends=ends)


def test_another_person_or_an_ended_one_is_no_obstacle(stage: Stage) -> None:
    perform(DEPUTY, "end", appoint(stage.cast), by=stage.cast.manager)
    appoint(stage.cast)
    appoint(stage.cast, deputy=stage.cast.developer)

    assert Deputy.objects.count() == 3


def test_what_was_lent_is_not_lent_on(stage: Stage) -> None:
    appoint(stage.cast)
    with pytest.raises(Refused, match="not hold the role"):
        appoint(stage.cast, by=stage.cast.outsider, for_user=stage.cast.outsider, deputy=stage.cast.developer)


@pytest.mark.parametrize("who", ["second_manager", "scrum_master", "director"])
def test_only_oneself_or_an_administrator_appoints(stage: Stage, who: str) -> None:
    with pytest.raises(Refused, match="appointed by Anita Desai or an administrator"):
        appoint(stage.cast, by=getattr(stage.cast, who))


def test_an_administrator_appoints_for_anyone(stage: Stage) -> None:
    appoint(stage.cast, by=stage.cast.administrator, for_user=stage.cast.director, role=Role.DIRECTOR)
    assert Event.objects.get(object_type="deputy").actor == stage.cast.administrator


def test_an_administrators_deputy_appoints_nobody_else(stage: Stage) -> None:
    appoint(stage.cast, by=stage.cast.administrator, for_user=stage.cast.administrator, role=Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="or an administrator"):
        appoint(
            stage.cast,
            by=stage.cast.outsider,
            for_user=stage.cast.director,
            deputy=stage.cast.developer,
            role=Role.DIRECTOR,
        )


def test_only_once_ended(stage: Stage) -> None:
    deputy = appoint(stage.cast)
    with pytest.raises(Refused, match="appointed by Anita Desai"):
        perform(DEPUTY, "end", deputy, by=stage.cast.outsider)
    perform(DEPUTY, "end", deputy, by=stage.cast.administrator)
    with pytest.raises(Refused, match="was ended on Mon Dec 7"):
        perform(DEPUTY, "end", deputy, by=stage.cast.manager)


# --- One's own page ------------------------------------------------------------------------------------------
def test_appointing_on_ones_own_page(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.manager)
    response = client.post(reverse("me"), typed(stage.cast), follow=True)

    assert "Nick Nowhere is deputy of Anita Desai from Mon Dec 7 to Fri Dec 11." in response.content.decode()
    [row] = response.context["page"].deputies
    assert (row.name, row.role, row.text) == ("Nick Nowhere", "Dev Manager", "Acting now")

    client.post(row.end.url)
    [row] = client.get(reverse("me")).context["page"].deputies
    assert (row.text, row.end) == ("Ended Mon Dec 7", None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"role": "director"}, "You do not hold the role EDMT Director"),
        ({"deputy": ""}, "Choose one."),
        ({"ends": "soon"}, "Give a date"),
        ({"ends": "2026-12-06"}, "The last day is before the first"),
    ],
)
def test_a_form_that_cannot_be_saved_keeps_what_was_typed(
    client: Client, stage: Stage, values: dict[str, str], sentence: str
) -> None:
    client.force_login(stage.cast.manager)
    response = client.post(reverse("me"), typed(stage.cast, **values))

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert 'value="2026-12-07"' in response.content.decode()
    assert not Deputy.objects.exists()


def test_the_deputy_sees_for_whom(client: Client, stage: Stage) -> None:
    appoint(stage.cast)
    client.force_login(stage.cast.outsider)
    found = client.get(reverse("me")).context["page"]

    assert [(row.name, row.role, row.end) for row in found.deputising] == [("Anita Desai", "Dev Manager", None)]
    assert found.roles == []


def test_roles_are_said_in_words(stage: Stage) -> None:
    assert page.me(stage.cast.manager, now=EARLY).roles == ["Dev Manager · Identity"]
    assert page.me(stage.cast.director, now=EARLY).own_roles == [Role.DIRECTOR]


@pytest.mark.parametrize("rows", [1, 3])
def test_ones_own_page_costs_the_same_at_one_row_and_three(
    stage: Stage, django_assert_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        appoint(stage.cast, deputy=person("Deputy", str(number)))
    manager = User.objects.get(pk=stage.cast.manager.pk)

    with django_assert_num_queries(6):
        assert len(page.me(manager, now=EARLY).deputies) == rows


# --- One's account --------------------------------------------------------------------------------------------
ACCOUNT = {"form": "account", "first_name": "Anita", "last_name": "Desai", "time_zone": "Asia/Kolkata"}


def test_account_is_changed_and_audited(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.manager)
    answer = client.post(reverse("me"), ACCOUNT)
    stage.cast.manager.refresh_from_db()

    assert answer.status_code == 302
    assert stage.cast.manager.time_zone == "Asia/Kolkata"
    event = Event.objects.get(object_type="account")
    assert event.data == {"time_zone": "America/New_York → Asia/Kolkata"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"time_zone": "Mars/Olympus"}, "Choose a time zone of the list"),
        ({"first_name": ""}, "This field is required"),
        ({"time_zone": "America/New_York"}, "Nothing differs from what is saved"),
    ],
)
def test_an_account_that_cannot_be_saved_says_why(
    client: Client, stage: Stage, values: dict[str, str], sentence: str
) -> None:
    client.force_login(stage.cast.manager)
    response = client.post(reverse("me"), ACCOUNT | values)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Event.objects.filter(object_type="account").exists()


def test_nobody_changes_the_account_of_another(stage: Stage) -> None:
    values: dict[str, Any] = {"first_name": "X", "last_name": "", "time_zone": "UTC"}

    with pytest.raises(Refused, match="Only Anita Desai changes this"):
        perform(ACCOUNT_FLOW, "change", stage.cast.manager, by=stage.cast.administrator, **values)


@pytest.mark.parametrize(("theme", "kept"), [("dark", "dark"), ("light", "light"), ("", ""), ("pink", "")])
def test_the_appearance_is_kept_on_the_device(client: Client, stage: Stage, theme: str, kept: str) -> None:
    client.force_login(stage.cast.manager)
    client.cookies["theme"] = "light"
    answer = client.post(reverse("me"), {"form": "theme", "theme": theme})

    assert answer.cookies["theme"].value == kept


# --- All people ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["manager", "director", "scrum_master", "outsider"])
def test_the_list_is_for_administrators(client: Client, stage: Stage, who: str) -> None:
    client.force_login(getattr(stage.cast, who))
    response = client.get(reverse("people"))

    assert response.status_code == 403
    assert "Ada Quist can see it" in response.content.decode()
    assert client.post(reverse("people"), typed(stage.cast)).status_code == 403


def test_an_administrator_appoints_the_directors_deputy(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.administrator)
    values = typed(stage.cast, for_user=stage.cast.director.pk, role="director")
    response = client.post(reverse("people"), values, follow=True)

    row = next(each for each in response.context["people"] if each.name == "Ruth Abrams")
    assert [(deputy.name, deputy.days) for deputy in row.deputies] == [("Nick Nowhere", "Mon Dec 7 to Fri Dec 11")]
    assert row.deputies[0].end is not None


def test_a_role_that_the_person_does_not_hold(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.administrator)
    response = client.post(reverse("people"), typed(stage.cast, for_user=stage.cast.director.pk))

    assert response.status_code == 422
    assert "Ruth Abrams does not hold the role Dev Manager" in response.content.decode()


def test_people_are_found_by_name(stage: Stage) -> None:
    found = page.everyone(stage.cast.administrator, now=EARLY, words="desai")
    assert [(row.name, row.roles) for row in found] == [("Anita Desai", ["Dev Manager · Identity"])]


def test_people_are_found_by_what_can_be_read_of_the_words(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.administrator)
    response = client.get(reverse("people"), {"q": "\0desai\n"})

    assert [row.name for row in response.context["people"]] == ["Anita Desai"]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_deputies(stage: Stage, django_assert_num_queries: Any, rows: int) -> None:
    for number in range(rows):
        appoint(stage.cast, deputy=person("Deputy", str(number)))
    administrator = User.objects.get(pk=stage.cast.administrator.pk)

    with django_assert_num_queries(5):
        assert sum(len(row.deputies) for row in page.everyone(administrator, now=EARLY)) == rows


# --- E-mails -------------------------------------------------------------------------------------------------
def test_everybody_chooses_what_is_nobodys_duty(client: Client, stage: Stage) -> None:
    user = stage.cast.developer
    client.force_login(user)
    assert client.get("/me/").context["page"].wanted == Topic.values

    answer = client.post("/me/emails/", {"topics": ["agenda", "moves", "deadline_missed"]})

    assert answer.headers["Location"] == "/me/#emails"
    assert set(user.muted.values_list("topic", flat=True)) == set(Topic.values) - {"agenda", "moves"}
    client.post("/me/emails/", {"topics": Topic.values})
    assert not user.muted.exists()
    assert Event.objects.filter(object_type="person", object_id=user.pk, action="choose_emails").count() == 2


def test_the_page_says_what_always_comes_and_why(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.manager)
    page = client.get("/me/").content.decode()
    assert 'id="emails"' in page
    assert "always comes, because others wait for it" in page


def test_nobody_chooses_for_somebody_else(stage: Stage) -> None:
    with pytest.raises(Refused, match="their own e-mails"):
        perform(PERSON, "choose_emails", stage.cast.developer, by=stage.cast.manager, topics=[])
