"""An invitation from the form to the first sign-in, and everything that can become of its link."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Invitation, Membership, User
from accounts.roles import Role
from notifications.delivery import deliver
from notifications.models import Letter
from releaseflow.people.invitations import INVITATION, token
from releaseflow.people.roles import PLACE
from tests.cast import Cast
from tests.support.threads import at_once
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

NOW = datetime(2026, 12, 7, 15, tzinfo=UTC)
CHOSEN = {"password1": "another quiet harbour", "password2": "another quiet harbour"}
TYPED = {"first_name": "Ida", "last_name": "Berg", "email": "Ida.Berg@example.com", "team_role": "developer"}


def invite(cast: Cast, **values: Any) -> Invitation:
    client = Client()
    client.force_login(cast.administrator)
    with clock.frozen(NOW):
        answer = client.post("/settings/people/invite/", TYPED | {"team": cast.team.pk} | values)
    assert answer.status_code == 302, answer.content.decode()
    return Invitation.objects.get(user__email="ida.berg@example.com")


def link() -> str:
    """The one in the e-mail that left."""
    with clock.frozen(NOW):
        deliver(clock.now)
    text = str(mail.outbox[-1].message()).replace("=\n", "").replace("=3D", "=")
    found = re.search(r"http://testserver(/invitations/\S+/)", text)
    assert found
    return found[1]


def test_the_newcomer_is_there_with_their_roles_and_cannot_sign_in_yet(cast: Cast) -> None:
    user = invite(cast, offices=["devops"]).user
    assert (user.name, user.email, user.username) == ("Ida Berg", "ida.berg@example.com", "ida.berg")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user).role == Role.DEVELOPER
    event = Event.objects.get(action="invite")
    assert event.data == {"email": "ida.berg@example.com", "roles": ["Dev Team · Identity", "DevOps"]}


def test_the_link_lets_in_once(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    address = link()
    with clock.frozen(NOW + timedelta(days=1)):
        assert "Welcome, Ida" in client.get(address).content.decode()
        assert client.post(address, CHOSEN)["Location"] == "/"
        assert client.get("/").status_code == 200
        again = Client().post(address, CHOSEN)
    assert (again.status_code, "has accepted already" in again.content.decode()) == (410, True)
    assert User.objects.get(pk=invitation.user_id).check_password("another quiet harbour")
    assert list(Event.objects.filter(actor=invitation.user).values_list("action", flat=True)) == ["accept", "sign_in"]


def test_what_is_kept_of_the_letter_opens_nothing(cast: Cast) -> None:
    invite(cast)
    address = link()
    letter = Letter.objects.get(kind="invitation")
    assert address not in letter.text + letter.html
    assert "/link-only-in-the-delivered-copy/" in letter.text


def test_looking_at_the_link_accepts_nothing(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    with clock.frozen(NOW):
        client.get(link())
    invitation.refresh_from_db()
    assert invitation.accepted_at is None


def test_the_link_is_good_for_seven_days_to_the_second(cast: Cast, client: Client) -> None:
    address = f"/invitations/{token(invite(cast))}/"
    with clock.frozen(NOW + timedelta(days=7) - timedelta(seconds=1)):
        assert client.get(address).status_code == 200
    with clock.frozen(NOW + timedelta(days=7)):
        assert client.get(address).status_code == 410
        assert client.post(address, CHOSEN).status_code == 410


def test_sent_again_only_the_newest_link_opens(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    old = link()
    with clock.frozen(NOW):
        perform(INVITATION, "send_again", invitation, by=cast.administrator)
        new = link()
        assert "newer invitation" in client.post(old, CHOSEN).content.decode()
        assert client.post(new, CHOSEN).status_code == 302


def test_revoked_means_nobody_comes_in(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    address = link()
    with clock.frozen(NOW):
        perform(INVITATION, "revoke", invitation, by=cast.administrator)
        assert "was revoked" in client.post(address, CHOSEN).content.decode()
    assert not User.objects.get(pk=invitation.user_id).is_active


def test_revoked_and_sent_again_lets_in(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    with clock.frozen(NOW):
        perform(INVITATION, "revoke", invitation, by=cast.administrator)
        perform(INVITATION, "send_again", invitation, by=cast.administrator)

        assert client.post(link(), CHOSEN).status_code == 302


def test_sending_again_lets_in_nobody_who_was_switched_off(cast: Cast) -> None:
    invitation = invite(cast)
    with clock.frozen(NOW):
        perform(PLACE, "switch_off", invitation.user, by=cast.administrator)

        with pytest.raises(Refused, match=r"Ida Berg was switched off\. Let them sign in again first\."):
            perform(INVITATION, "send_again", invitation, by=cast.administrator)

    assert not User.objects.get(pk=invitation.user_id).is_active


def test_a_made_up_link_is_none(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    for text in (f"{invitation.pk}-1-abc", f"{invitation.pk}", "x-y-z", f"99999999999999999999-1-{'a' * 43}"):
        assert client.get(f"/invitations/{text}/").status_code == 410


def test_a_weak_password_is_said_and_nothing_is_accepted(cast: Cast, client: Client) -> None:
    invitation = invite(cast)
    with clock.frozen(NOW):
        answer = client.post(link(), {"password1": "ida", "password2": "ida"})
    assert (answer.status_code, "You are not in yet" in answer.content.decode()) == (422, True)
    invitation.refresh_from_db()
    assert invitation.accepted_at is None


def test_without_a_password_it_goes_on_to_a_passkey(cast: Cast, client: Client) -> None:
    invite(cast)
    with clock.frozen(NOW):
        answer = client.post(link(), {"way": "passkey"})
    assert answer["Location"] == "/me/sign-in/passkeys/add/"
    assert client.get(answer["Location"]).status_code == 200


def test_somebody_who_is_known_is_not_invited_twice(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    answer = client.post("/settings/people/invite/", TYPED | {"email": "ANITA.desai@example.com"})
    html = answer.content.decode()
    assert (answer.status_code, "is in releaseflow already" in html, 'value="Ida"' in html) == (422, True, True)


def test_nobody_is_invited_as_administrator(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    answer = client.post("/settings/people/invite/", TYPED | {"offices": ["administrator"]})
    assert (answer.status_code, Invitation.objects.exists()) == (422, False)


@pytest.mark.parametrize("action", ["send_again", "revoke"])
def test_only_administrators_decide_about_invitations(cast: Cast, action: str) -> None:
    with pytest.raises(Refused, match="Only an administrator can do this"):
        perform(INVITATION, action, invite(cast), by=cast.manager)


def test_the_list_says_who_is_invited_and_takes_the_same_statements_for_more(
    cast: Cast, client: Client, django_assert_num_queries: Any
) -> None:
    invite(cast)
    client.force_login(cast.administrator)
    with clock.frozen(NOW):
        with django_assert_num_queries(10):
            html = client.get("/settings/people/?q=Ida").content.decode()
        assert "Invited until Mon Dec 14" in html
        for name in ("Ines", "Ivo"):
            person = {"first_name": name, "last_name": "Idason", "email": f"{name}@example.com"}
            client.post("/settings/people/invite/", TYPED | person)
        client.get("/settings/people/")  # the messages are shown
        with django_assert_num_queries(10):
            html = client.get("/settings/people/?q=Ida").content.decode()
    assert html.count("Invited until") == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_counts(cast: Cast) -> None:
    invitation = invite(cast)
    address = f"/invitations/{token(invitation)}/"

    def click() -> int:
        return Client().post(address, CHOSEN).status_code

    rows = Invitation.objects.filter(pk=invitation.pk)
    assert sorted(at_once(click, click, behind=rows, at=NOW + timedelta(hours=1))) == [302, 410]
    assert Event.objects.filter(object_type="invitation", action="accept").count() == 1
