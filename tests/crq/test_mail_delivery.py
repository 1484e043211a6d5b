"""The delivery page: what has not left and why, for whom, and sending again what was given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from crq.mail_delivery import EMAIL, LETTER
from notifications.models import Email
from tests.cast import Cast
from tests.outboxes import queued
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

URL = "/emails/delivery/"
OFFICES = ("scrum_master", "administrator")
OTHERS = ("developer", "manager", "devops", "director", "outsider")


def parked(*to: str, key: str = "moved") -> list[Email]:
    rows = queued(*to, key=key)
    Email.objects.filter(letter=rows[0].letter).update(parked_at=EARLY, attempts=8, last_error="550 No such user")
    return list(rows[0].letter.emails.all())


def sections(client: Client) -> dict[str, Any]:
    with clock.frozen(EARLY + timedelta(minutes=2)):
        return {section.name: section for section in client.get(URL).context["sections"]}


# --- What it shows -------------------------------------------------------------------------------------------
def test_what_has_not_left_is_shown_with_its_reason(client: Client, stage: Stage) -> None:
    [given_up] = parked("gone@example.com", key="one")
    [retrying] = queued("busy@example.com", key="two")
    Email.objects.filter(pk=retrying.pk).update(
        attempts=2, last_error="451 Later", not_before=EARLY + timedelta(minutes=9)
    )
    queued("soon@example.com", key="three", not_before=EARLY + timedelta(minutes=10))
    queued("next@example.com", key="four")
    Email.objects.filter(pk=queued("done@example.com", key="five")[0].pk).update(sent_at=EARLY)
    client.force_login(stage.cast.scrum_master)

    found = sections(client)

    def shown(name: str) -> list[tuple[str, str, str, str]]:
        return [(row.detail.rpartition(" ")[2], row.when, row.error, row.badge.state) for row in found[name].rows]

    assert shown("parked") == [
        ("gone@example.com", "Given up after 8 tries, today, 10:00 am ET", "550 No such user", "stop")
    ]
    assert shown("retrying") == [("busy@example.com", "2 tries, next today, 10:09 am ET", "451 Later", "part")]
    assert shown("waiting") == [
        ("next@example.com", "Goes out now", "", "wait"),
        ("soon@example.com", "Goes out today, 10:10 am ET", "", "wait"),
    ]
    assert [each.total for each in found.values()] == [1, 1, 2]
    assert found["parked"].rows[0].act.url == f"/act/email/{given_up.pk}/resend/"


def test_what_is_being_sent_says_so(client: Client, stage: Stage) -> None:
    queued("a@example.com")
    Email.objects.update(attempts=1, leased_until=EARLY + timedelta(minutes=10))
    client.force_login(stage.cast.scrum_master)

    assert [row.when for row in sections(client)["retrying"].rows] == ["Being sent now"]


def test_a_long_list_is_cut_and_says_so(client: Client, stage: Stage) -> None:
    queued(*(f"person{number}@example.com" for number in range(53)))
    client.force_login(stage.cast.administrator)

    waiting = sections(client)["waiting"]

    assert (len(waiting.rows), waiting.more) == (50, 3)
    assert "And 3 more." in client.get(URL).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, django_assert_num_queries: Any, count: int
) -> None:
    for number in range(count):
        parked("a@example.com", "b@example.com", key=f"parked{number}")
        queued("a@example.com", key=f"waiting{number}")
    client.force_login(stage.cast.scrum_master)

    with django_assert_num_queries(8):
        found = client.get(URL).context["sections"]

    assert [len(each.rows) for each in found] == [2 * count, 0, count]
    assert len(found[0].acts) == count


# --- Who may see and do --------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", OFFICES)
def test_the_offices_see_it(client: Client, cast: Cast, role: str) -> None:
    client.force_login(getattr(cast, role))

    assert client.get(URL).status_code == 200


@pytest.mark.parametrize("role", OTHERS)
def test_others_are_told_who_can(client: Client, stage: Stage, role: str) -> None:
    [email] = parked("gone@example.com")
    client.force_login(getattr(stage.cast, role))

    page = client.get(URL)
    client.post(f"/act/email/{email.pk}/resend/")
    client.post(f"/act/letter/{email.letter_id}/resend/")
    email.refresh_from_db()

    assert page.status_code == 403
    assert "This page is for Scrum Master or Administrator. Maya Lind or Ada Quist can see it." in page.content.decode()
    assert email.state == "parked"
    assert not Event.objects.filter(object_type__in=["email", "letter"]).exists()


def test_strangers_sign_in_first(client: Client, db: None) -> None:
    assert client.get(URL)["Location"].startswith("/sign-in/")


# --- Sending again -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", OFFICES)
def test_what_was_given_up_is_sent_again_and_noted(client: Client, stage: Stage, role: str) -> None:
    email, other = parked("gone@example.com", "other@example.com")
    person = getattr(stage.cast, role)
    client.force_login(person)

    client.post(f"/act/email/{email.pk}/resend/")
    email.refresh_from_db()
    other.refresh_from_db()

    assert (email.state, email.attempts, email.not_before) == ("waiting", 0, EARLY)
    assert other.state == "parked"
    event = Event.objects.get(object_type="email")
    assert (event.actor, event.action, event.object_id) == (person, "resend", email.pk)
    assert event.data == {"to": "gone@example.com", "error": "550 No such user"}


def test_all_of_a_letter_are_sent_again(client: Client, stage: Stage) -> None:
    one, two, reached = parked("a@example.com", "b@example.com", "c@example.com")
    Email.objects.filter(pk=reached.pk).update(parked_at=None, sent_at=EARLY)
    [elsewhere] = parked("a@example.com", key="elsewhere")
    client.force_login(stage.cast.scrum_master)

    [button] = sections(client)["parked"].acts
    client.post(button.url)
    for email in (one, two, reached, elsewhere):
        email.refresh_from_db()

    assert button.label == "Send all 2 again: Moved"
    assert [email.state for email in (one, two, reached, elsewhere)] == ["waiting", "waiting", "sent", "parked"]
    assert Event.objects.get(object_type="letter").data == {"to": ["a@example.com", "b@example.com"]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sent_at": EARLY, "parked_at": None}, "This e-mail was sent."),
        ({"parked_at": None}, "This e-mail was not given up, so nothing is to be sent again."),
    ],
)
def test_only_what_was_given_up_is_sent_again(stage: Stage, fields: dict[str, Any], why: str) -> None:
    [email] = parked("gone@example.com")
    Email.objects.update(**fields)

    with pytest.raises(Refused) as refused:
        perform(EMAIL, "resend", email, by=stage.cast.scrum_master)
    with pytest.raises(Refused, match="No copy of this e-mail is given up any more"):
        perform(LETTER, "resend", email.letter, by=stage.cast.scrum_master)

    assert str(refused.value) == why
